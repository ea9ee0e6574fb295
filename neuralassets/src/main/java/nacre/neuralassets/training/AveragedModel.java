package nacre.neuralassets.training;

import java.util.function.Function;
import nacre.nn.Ema;
import nacre.nn.Parameters;
import nacre.tensor.Scope;

/**
 * A model that computes with averaged parameters. Where those are held on the host, it has copies
 * on the device, from when it is asked for until the next step.
 *
 * @param <M> the model
 */
public final class AveragedModel<M> implements AutoCloseable {
  private final Ema ema;
  private final Function<Parameters, M> build;
  private Scope copies;
  private M model;

  /**
   * Averages that are on the device have a model at once, which belongs to the current scope.
   *
   * @param build makes the model over parameters that exist
   */
  public AveragedModel(Ema ema, Function<Parameters, M> build) {
    this.ema = ema;
    this.build = build;
    if (ema.isHere()) {
      model = build.apply(Parameters.over(ema.tensors()));
    }
  }

  /** The model, with the averages as they are now. It must not be used after the next step. */
  public M get() {
    if (model == null) {
      copies = Scope.detached();
      model = copies.within(() -> build.apply(Parameters.over(ema.onDevice())));
    }
    return model;
  }

  /** Says that the averages change: copies of them are freed. */
  public void forget() {
    if (copies != null) {
      copies.close();
      copies = null;
      model = null;
    }
  }

  @Override
  public void close() {
    forget();
  }
}
