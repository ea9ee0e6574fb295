package nacre.cli.verify;

import static nacre.tensor.ops.Affine.scale;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.SchedulerKind;
import nacre.diffusion.schedule.Schedulers;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * Schedulers, which run on given outputs of a model. Where a bundle has variants, each is a run
 * with keys of its own from the start noise of its own scheduler, or, with a strength, from the
 * sample in image to image; the outputs are named after it.
 */
final class SchedulerSubject {
  private static final List<String> OWN_KEYS =
      List.of("num_inference_steps", "eta", "strength", "variants");

  private SchedulerSubject() {}

  static Subject of(ConfigJson c) {
    if (!c.has("variants")) {
      Scheduler scheduler = scheduler(c);
      return inputs -> run(scheduler, 0, inputs.exact("sample"), inputs);
    }
    Map<String, ConfigJson> variants = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> variant : c.node().get("variants").properties()) {
      ObjectNode merged = c.node().deepCopy();
      merged.setAll((ObjectNode) variant.getValue());
      variants.put(variant.getKey(), new ConfigJson(c.model(), merged));
    }
    return inputs -> {
      Map<String, Tensor> outputs = new LinkedHashMap<>();
      variants.forEach(
          (name, config) ->
              variant(config, inputs)
                  .forEach((output, value) -> outputs.put(name + "." + output, value)));
      return outputs;
    };
  }

  private static Scheduler scheduler(ConfigJson c) {
    int steps = LayerSubjects.required(c, "num_inference_steps");
    ObjectNode config = c.node().deepCopy();
    config.remove(OWN_KEYS);
    SchedulerKind kind = Schedulers.ofClass(c.model());
    return Scheduler.of(SchedulerConfig.of(config, kind), steps).withEta(c.number("eta", 0));
  }

  private static Map<String, Tensor> variant(ConfigJson c, Inputs inputs) {
    Scheduler scheduler = scheduler(c);
    Tensor sample = inputs.exact("sample");
    if (c.has("strength")) {
      int first = scheduler.beginIndex(c.number("strength", 1));
      Tensor noisy = scheduler.addNoise(first, sample, inputs.exact("start_noise"));
      return run(scheduler, first, noisy, inputs);
    }
    return run(scheduler, 0, scale(sample, scheduler.initNoiseSigma()), inputs);
  }

  private static Map<String, Tensor> run(
      Scheduler scheduler, int first, Tensor start, Inputs inputs) {
    int steps = scheduler.steps() - first;
    float[] timesteps = new float[steps];
    Tensor[] scaled = new Tensor[steps];
    Tensor[] after = new Tensor[steps];
    Tensor sample = start;
    History history = scheduler.start(first);
    for (int i = 0; i < steps; i++) {
      int index = first + i;
      timesteps[i] = (float) scheduler.timestep(index);
      scaled[i] = scheduler.scaleModelInput(index, sample);
      Tensor output = inputs.step("model_output", index, sample);
      Tensor noise = scheduler.isStochastic(index) ? inputs.step("noise", index, sample) : null;
      sample = scheduler.step(index, output, sample, noise, history);
      after[i] = sample;
    }
    return Map.of(
        "timesteps",
        Tensor.of(sample.device(), Shape.of(steps), timesteps),
        "prev_samples",
        ProcessSubjects.stack(after),
        "scaled_inputs",
        ProcessSubjects.stack(scaled));
  }
}
