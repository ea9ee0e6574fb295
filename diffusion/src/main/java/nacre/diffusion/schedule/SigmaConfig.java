package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration of the noise levels σ = √((1 − ᾱ) / ᾱ) of sampling.
 *
 * @param spacing between the highest and the lowest
 * @param endsAtLowest whether the last step ends at the lowest noise level rather than at no noise
 *     ({@code final_sigmas_type})
 * @param lowest for {@link SigmaSpacing}s that do not follow timesteps; the noise schedule's if
 *     absent
 * @param highest likewise
 */
public record SigmaConfig(
    SigmaSpacing spacing, boolean endsAtLowest, OptionalDouble lowest, OptionalDouble highest) {

  /** The keys of the spacings that every class with noise levels has. */
  static final Set<String> SPACINGS =
      Set.of("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas");

  /** The key of where the last step ends, which some classes have. */
  static final String FINAL = "final_sigmas_type";

  /**
   * Reads the keys of a class whose last step ends where {@code final_sigmas_type} says.
   *
   * @param keys those of the class, the spacings that it has among them
   */
  static SigmaConfig of(ConfigJson c, Set<String> keys) {
    c.require(FINAL, "zero", "sigma_min");
    return new SigmaConfig(
        spacing(c, keys),
        c.text(FINAL, "zero").equals("sigma_min"),
        number(c, "sigma_min"),
        number(c, "sigma_max"));
  }

  /** Reads the keys of a class whose last step ends at no noise, or always at the lowest level. */
  static SigmaConfig of(ConfigJson c, boolean endsAtLowest) {
    return new SigmaConfig(
        spacing(c, SPACINGS), endsAtLowest, number(c, "sigma_min"), number(c, "sigma_max"));
  }

  /** Lu's goes together with others in diffusers: after Karras's, before the rest. */
  private static SigmaSpacing spacing(ConfigJson c, Set<String> keys) {
    SigmaSpacing first = SigmaSpacing.TIMESTEPS;
    SigmaSpacing exclusive = SigmaSpacing.TIMESTEPS;
    for (SigmaSpacing one : SigmaSpacing.values()) {
      if (!keys.contains(one.key()) || !c.flag(one.key(), false)) {
        continue;
      }
      if (one != SigmaSpacing.LU) {
        if (exclusive != SigmaSpacing.TIMESTEPS) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "scheduler: only one of %s and %s can be true",
                  exclusive.key(),
                  one.key()));
        }
        exclusive = one;
      }
      boolean prior = one == SigmaSpacing.LU && first != SigmaSpacing.KARRAS;
      first = first == SigmaSpacing.TIMESTEPS || prior ? one : first;
    }
    return first;
  }

  private static OptionalDouble number(ConfigJson c, String key) {
    return c.has(key) ? OptionalDouble.of(c.number(key, 0)) : OptionalDouble.empty();
  }

  /**
   * The given number of noise levels between the lowest and the highest, which the configuration
   * may set otherwise.
   */
  double[] between(double tableHighest, double tableLowest, int count) {
    boolean fixed = spacing == SigmaSpacing.LU;
    return spacing.between(
        fixed ? tableHighest : highest.orElse(tableHighest),
        fixed ? tableLowest : lowest.orElse(tableLowest),
        count);
  }

  /** Writes the keys, without {@code final_sigmas_type}. */
  void writeSpacingTo(ObjectNode json) {
    if (spacing != SigmaSpacing.TIMESTEPS) {
      json.put(spacing.key(), true);
    }
    lowest.ifPresent(sigma -> json.put("sigma_min", sigma));
    highest.ifPresent(sigma -> json.put("sigma_max", sigma));
  }

  /** Writes the keys. */
  void writeTo(ObjectNode json) {
    writeSpacingTo(json);
    json.put(FINAL, endsAtLowest ? "sigma_min" : "zero");
  }
}
