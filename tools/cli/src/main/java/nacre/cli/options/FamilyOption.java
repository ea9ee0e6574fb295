package nacre.cli.options;

import static java.util.stream.Collectors.joining;

import java.util.Arrays;
import java.util.Locale;
import nacre.diffusion.checkpoint.Family;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The names of the published models that a single file may be, as values of {@code --family}. */
public final class FamilyOption implements ITypeConverter<Family> {
  /** What the option is for. */
  public static final String DESCRIPTION =
      "What a single file is, where its metadata, tensors and name do not say so or are wrong:"
          + " sd-1.5, sd-2.1-base, sd-2.1, sd-1.5-inpainting or sd-2-inpainting.";

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
