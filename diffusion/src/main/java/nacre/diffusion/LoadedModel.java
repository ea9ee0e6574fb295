package nacre.diffusion;

import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.WeightsException;

/**
 * A lazily loaded model: read when first needed, and kept until it is closed or only while it is
 * used.
 */
final class LoadedModel<M> implements AutoCloseable {
  private final Reader<M> reader;
  private final boolean kept;
  private M model;
  private Scope weights;

  /** Builds a model and fills it. */
  @FunctionalInterface
  interface Reader<M> {
    M read(Parameters p) throws WeightsException;
  }

  /** Work with a model. */
  @FunctionalInterface
  interface Use<M, R> {
    R apply(M model) throws WeightsException;
  }

  /**
   * Nothing is read yet.
   *
   * @param kept whether the model stays in memory between uses
   */
  LoadedModel(Reader<M> reader, boolean kept) {
    this.reader = reader;
    this.kept = kept;
  }

  /** Uses the model; tensors that this creates belong to the current scope. */
  <R> R use(Device device, DType dtype, Use<M, R> use) throws WeightsException {
    try {
      return use.apply(load(device, dtype));
    } finally {
      if (!kept) {
        close();
      }
    }
  }

  /** Reads the model unless it is there. */
  M load(Device device, DType dtype) throws WeightsException {
    if (model != null) {
      return model;
    }
    Scope scope = Scope.detached();
    try {
      M read =
          scope.within(
              () -> {
                Parameters p = Parameters.unwritten(device, dtype).frozen();
                M built = reader.read(p);
                p.prepack();
                return built;
              });
      model = read;
      weights = scope;
      return read;
    } finally {
      if (weights != scope) {
        scope.close();
      }
    }
  }

  /** Frees the weights; the next use reads them anew. */
  @Override
  public void close() {
    if (weights != null) {
      weights.close();
      weights = null;
      model = null;
    }
  }
}
