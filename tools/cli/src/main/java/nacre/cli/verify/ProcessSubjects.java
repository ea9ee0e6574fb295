package nacre.cli.verify;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reshape.reshape;

import java.util.List;
import java.util.Map;
import nacre.nn.AdamW;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/** Iterative modules: optimizers. They always compute in f32, as in use. */
final class ProcessSubjects {
  private ProcessSubjects() {}

  static Subject adamW(ConfigJson c) {
    c.require("amsgrad", false);
    c.require("maximize", false);
    List<Double> betas = c.numbers("betas", List.of(0.9, 0.999));
    AdamW.Config config =
        new AdamW.Config(
            betas.get(0),
            betas.get(1),
            c.number("eps", 1e-8),
            c.number("weight_decay", 0.01),
            Double.POSITIVE_INFINITY);
    double rate = c.number("lr", 1e-3);
    return inputs -> {
      Tensor parameter = copy(inputs.exact("param"));
      AdamW optimizer = new AdamW(Map.of("param", parameter), config);
      Tensor gradients = inputs.exact("grad");
      Tensor[] after = new Tensor[gradients.shape().rank() == 0 ? 1 : gradients.dim(0)];
      for (int i = 0; i < after.length; i++) {
        Tensor gradient = inputs.step("grad", i, parameter);
        optimizer.setLearningRate(rate);
        optimizer.step(_ -> gradient);
        after[i] = copy(parameter);
      }
      return Map.of("param", stack(after));
    };
  }

  private static Tensor copy(Tensor x) {
    Tensor y = x.like();
    x.backend().cast(x, y);
    return y;
  }

  /** The parts along a new first axis. */
  static Tensor stack(Tensor[] parts) {
    Tensor[] rows = new Tensor[parts.length];
    for (int i = 0; i < parts.length; i++) {
      Shape shape = parts[i].shape();
      int[] dims = new int[shape.rank() + 1];
      dims[0] = 1;
      System.arraycopy(shape.toArray(), 0, dims, 1, shape.rank());
      rows[i] = reshape(parts[i], dims);
    }
    return concat(0, rows);
  }
}
