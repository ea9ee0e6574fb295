package nacre.neuralassets.training;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import nacre.neuralassets.model.TrainingPreset;
import nacre.nn.Optimizer;
import nacre.tensor.Tensor;

/**
 * A model in training, whatever it is: what runs and checkpoints see of it. Confined to the thread
 * that created it.
 *
 * @param <B> a batch on the host
 */
public interface TrainedModel<B> extends AutoCloseable {
  /** What it is, and how it is trained. */
  TrainingPreset preset();

  /** The number of its parameters. */
  long parameterCount();

  /**
   * Starts a step on the device, without waiting for it where the device is asynchronous. The
   * inputs are written first; the step itself does not involve the host.
   */
  void begin(B batch, double learningRate);

  /** The loss before the step begun last. Waits for the device. */
  double loss();

  /** Norm of the last step's gradients before clipping. Waits for the device. */
  double gradientNorm();

  /** Both numbers of the step begun last, without waiting for it. */
  StepNumbers numbers();

  /** The number of steps done, or begun. */
  long steps();

  /** The parameters by name. */
  Map<String, Tensor> parameters();

  /** The optimizer, whose state a checkpoint holds. */
  Optimizer optimizer();

  /** Those that are trained. */
  Map<String, Tensor> trainedParameters();

  /** What the gradients of a step take on the device, in bytes. */
  default long gradientBytes() {
    return trainedParameters().values().stream().mapToLong(Tensor::bytes).sum();
  }

  /** The averaged parameters by name. */
  Map<String, Tensor> averagedParameters();

  /**
   * Writes the model with the averaged parameters into an existing folder.
   *
   * @param earlier what was written before, whose files of frozen weights are linked to; null for
   *     none
   * @return the names of the files that are links, relative to the folder
   */
  Set<String> writeAveraged(Path folder, Path earlier) throws IOException;

  /**
   * Reads the averaged parameters from what {@link #writeAveraged} wrote.
   *
   * @throws IOException in one line, if a file is missing, damaged or of another model
   */
  void readAveraged(Path folder) throws IOException;

  /** The checkpoint that was written or read last; null for none. */
  Path saved();

  /** Remembers the checkpoint that was written or read last. */
  void setSaved(Path checkpoint);

  /** Resumes from loaded tensors: so many steps are done. */
  void resume(long steps);

  /** Frees everything. */
  @Override
  void close();
}
