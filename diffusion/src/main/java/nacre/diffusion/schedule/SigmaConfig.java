package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import nacre.weights.ConfigJson;

/**
 * The configuration of the noise levels σ = √((1 − ᾱ) / ᾱ) of sampling.
 *
 * @param spacing between the highest and the lowest
 * @param endsAtLowest whether the last step ends at timestep 0's rather than at no noise ({@code
 *     final_sigmas_type})
 * @param lowest for {@link SigmaSpacing}s that do not follow timesteps; the noise schedule's if
 *     absent
 * @param highest likewise
 */
public record SigmaConfig(
    SigmaSpacing spacing, boolean endsAtLowest, OptionalDouble lowest, OptionalDouble highest) {

  /**
   * Reads the keys.
   *
   * @param spacings those that the class has
   */
  static SigmaConfig of(ConfigJson c, SigmaSpacing... spacings) {
    c.require("use_beta_sigmas", false);
    c.require("final_sigmas_type", "zero", "sigma_min");
    List<SigmaSpacing> chosen = new ArrayList<>();
    for (SigmaSpacing one : spacings) {
      if (c.flag(one.key(), false)) {
        chosen.add(one);
      }
    }
    if (chosen.size() > 1) {
      throw new IllegalArgumentException(
          "scheduler: only one of %s and %s can be true"
              .formatted(chosen.get(0).key(), chosen.get(1).key()));
    }
    return new SigmaConfig(
        chosen.isEmpty() ? SigmaSpacing.TIMESTEPS : chosen.getFirst(),
        c.text("final_sigmas_type", "zero").equals("sigma_min"),
        number(c, "sigma_min"),
        number(c, "sigma_max"));
  }

  private static OptionalDouble number(ConfigJson c, String key) {
    return c.has(key) ? OptionalDouble.of(c.number(key, 0)) : OptionalDouble.empty();
  }

  void writeTo(ObjectNode json) {
    if (spacing != SigmaSpacing.TIMESTEPS) {
      json.put(spacing.key(), true);
    }
    json.put("final_sigmas_type", endsAtLowest ? "sigma_min" : "zero");
    lowest.ifPresent(sigma -> json.put("sigma_min", sigma));
    highest.ifPresent(sigma -> json.put("sigma_max", sigma));
  }
}
