package nacre.cli.texttoimage;

import nacre.diffusion.Residency;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The values of {@code --residency}. */
final class ResidencyOption implements ITypeConverter<Residency> {
  @Override
  public Residency convert(String word) {
    return switch (word) {
      case "all" -> Residency.ALL;
      case "one" -> Residency.ONE_AT_A_TIME;
      default -> throw new TypeConversionException("'" + word + "' is not one of: all, one");
    };
  }
}
