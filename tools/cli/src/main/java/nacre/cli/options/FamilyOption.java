package nacre.cli.options;

import static java.util.stream.Collectors.joining;

import java.util.Arrays;
import java.util.Locale;
import nacre.diffusion.checkpoint.Family;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The names of the published models that a single file may be, as values of {@code --family}. */
public final class FamilyOption implements ITypeConverter<Family> {
  @Override
  public Family convert(String name) {
    return Family.named(name)
        .orElseThrow(
            () ->
                new TypeConversionException(
                    String.format(
                        Locale.ROOT,
                        "'%s' is not known; known are %s",
                        name,
                        Arrays.stream(Family.values())
                            .map(Family::toString)
                            .collect(joining(", ")))));
  }
}
