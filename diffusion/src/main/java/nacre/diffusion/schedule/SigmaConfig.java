package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import nacre.weights.ConfigJson;

/**
 * Which noise levels σ = √((1 − ᾱ) / ᾱ) a scheduler goes through.
 *
 * @param path how they lie between the highest and the lowest
 * @param endsAtLowest whether the last step ends at timestep 0's rather than at no noise ({@code
 *     final_sigmas_type})
 * @param lowest for {@link SigmaPath}s that do not follow timesteps; the noise schedule's if absent
 * @param highest likewise
 */
public record SigmaConfig(
    SigmaPath path, boolean endsAtLowest, OptionalDouble lowest, OptionalDouble highest) {

  /**
   * Reads the keys.
   *
   * @param paths those that the class has
   */
  static SigmaConfig of(ConfigJson c, SigmaPath... paths) {
    c.require("use_beta_sigmas", false);
    c.require("final_sigmas_type", "zero", "sigma_min");
    List<SigmaPath> chosen = new ArrayList<>();
    for (SigmaPath path : paths) {
      if (c.flag(path.key(), false)) {
        chosen.add(path);
      }
    }
    if (chosen.size() > 1) {
      throw new IllegalArgumentException(
          "scheduler: only one of %s and %s can be true"
              .formatted(chosen.get(0).key(), chosen.get(1).key()));
    }
    return new SigmaConfig(
        chosen.isEmpty() ? SigmaPath.TIMESTEPS : chosen.getFirst(),
        c.text("final_sigmas_type", "zero").equals("sigma_min"),
        number(c, "sigma_min"),
        number(c, "sigma_max"));
  }

  private static OptionalDouble number(ConfigJson c, String key) {
    return c.has(key) ? OptionalDouble.of(c.number(key, 0)) : OptionalDouble.empty();
  }

  void writeTo(ObjectNode json) {
    if (path != SigmaPath.TIMESTEPS) {
      json.put(path.key(), true);
    }
    json.put("final_sigmas_type", endsAtLowest ? "sigma_min" : "zero");
    lowest.ifPresent(sigma -> json.put("sigma_min", sigma));
    highest.ifPresent(sigma -> json.put("sigma_max", sigma));
  }
}
