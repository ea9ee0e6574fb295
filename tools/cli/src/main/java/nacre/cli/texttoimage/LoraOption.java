package nacre.cli.texttoimage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import nacre.cli.options.UsageException;
import nacre.diffusion.lora.Lora;

/** The values of {@code --lora}. */
final class LoraOption {
  private static final Pattern FILE = Pattern.compile(".*\\.(safetensors|bin|pth?|ckpt)");

  private LoraOption() {}

  /**
   * The LoRA in {@code FILE} or {@code FILE:WEIGHT}.
   *
   * @throws UsageException if the weight is no number
   */
  static Lora parse(String value) {
    int colon = value.lastIndexOf(':');
    // A file's name may have the sign in it, and so has a drive's.
    if (colon <= 0 || Files.exists(Path.of(value)) || FILE.matcher(value).matches()) {
      return new Lora(Path.of(value));
    }
    String weight = value.substring(colon + 1);
    try {
      return new Lora(Path.of(value.substring(0, colon)), finite(weight));
    } catch (NumberFormatException e) {
      throw new UsageException(
          String.format(Locale.ROOT, "--lora %s: the weight '%s' is no number", value, weight), e);
    }
  }

  private static double finite(String text) {
    double number = Double.parseDouble(text);
    if (!Double.isFinite(number)) {
      throw new NumberFormatException(text);
    }
    return number;
  }

  /** The LoRAs with their weights, for a picture's metadata. */
  static String describe(List<Lora> loras) {
    return loras.stream()
        .map(lora -> lora.file() + ":" + lora.weight())
        .collect(Collectors.joining(", "));
  }
}
