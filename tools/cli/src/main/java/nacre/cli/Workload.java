package nacre.cli;

import java.io.IOException;
import java.util.List;
import java.util.OptionalDouble;
import nacre.neuralassets.training.TrainedModel;

/**
 * What a run trains: a model, its batches, and what the run shows of it.
 *
 * @param <B> a batch on the host
 */
interface Workload<B> extends AutoCloseable {
  /** The model, which this closes. */
  TrainedModel<B> model();

  /** What it is trained on. */
  RunData data();

  /** What a batch holds, in plural. */
  String unit();

  /**
   * Loads the pretrained weights with which a new run begins.
   *
   * @return what was loaded, in lines
   */
  List<String> begin() throws IOException;

  /**
   * Prepares the data for going on after so many steps, with the weights that the model then has,
   * and reads what is held out.
   *
   * @return false if stopped meanwhile
   */
  boolean prepare(long steps) throws IOException;

  /**
   * The batch of a step.
   *
   * @param step counted from 0
   * @throws java.io.UncheckedIOException if a clip cannot be read
   */
  B batch(long step);

  /** The loss on held-out clips; empty if there are none. */
  OptionalDouble validate();

  /** Draws a sheet of what the model can do. */
  void sheet(RunLog log) throws IOException;

  /** The estimated time of {@link #conclude} from that of a training step, in seconds. */
  double concludingSeconds(double secondsPerStep);

  /**
   * Draws the last sheet and evaluates, unless that was done when the run was finished before.
   *
   * @param changed whether this start of the run made a step
   * @return false if stopped meanwhile
   */
  boolean conclude(RunLog log, boolean changed) throws IOException;

  @Override
  void close();
}
