package nacre.cli.verify;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.Slice.slice;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import nacre.diffusion.schedule.DdimScheduler;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.SchedulerKind;
import nacre.diffusion.schedule.Schedulers;
import nacre.nn.AdamW;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/** Iterative modules: schedulers and optimizers. They always compute in f32, as in use. */
final class ProcessSubjects {
  private ProcessSubjects() {}

  static Subject scheduler(ConfigJson c) {
    int steps = LayerSubjects.required(c, "num_inference_steps");
    double eta = c.number("eta", 0);
    ObjectNode config = c.node().deepCopy();
    config.remove(List.of("num_inference_steps", "eta"));
    SchedulerKind kind = Schedulers.ofClass(c.model());
    Scheduler plain = Scheduler.of(SchedulerConfig.of(config, kind), steps);
    Scheduler scheduler = plain instanceof DdimScheduler ddim ? ddim.withEta(eta) : plain;
    return inputs -> {
      float[] timesteps = new float[scheduler.steps()];
      Tensor sample = inputs.exact("sample");
      Tensor[] scaled = new Tensor[timesteps.length];
      Tensor[] after = new Tensor[timesteps.length];
      History history = scheduler.start(0);
      for (int i = 0; i < timesteps.length; i++) {
        timesteps[i] = (float) scheduler.timestep(i);
        scaled[i] = scheduler.scaleModelInput(i, sample);
        Tensor output = row(inputs.exact("model_output"), i);
        Tensor noise = scheduler.isStochastic(i) ? row(inputs.exact("noise"), i) : null;
        sample = scheduler.step(i, output, sample, noise, history);
        after[i] = sample;
      }
      return Map.of(
          "timesteps",
          Tensor.of(sample.device(), Shape.of(timesteps.length), timesteps),
          "prev_samples",
          stack(after),
          "scaled_inputs",
          stack(scaled));
    };
  }

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
      Tensor[] after = new Tensor[gradients.dim(0)];
      for (int i = 0; i < after.length; i++) {
        Tensor gradient = row(gradients, i);
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

  /** {@code x[i]}. */
  private static Tensor row(Tensor x, int i) {
    int[] dims = x.shape().toArray();
    int[] rest = Arrays.copyOfRange(dims, 1, dims.length);
    return reshape(slice(x, 0, i, 1), rest);
  }

  private static Tensor stack(Tensor[] parts) {
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
