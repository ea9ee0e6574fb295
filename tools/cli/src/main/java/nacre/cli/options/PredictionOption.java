package nacre.cli.options;

import nacre.diffusion.schedule.PredictionType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** What a model predicts, as values of {@code --prediction}: diffusers' names, and short ones. */
public final class PredictionOption implements ITypeConverter<PredictionType> {
  @Override
  public PredictionType convert(String name) {
    return switch (name) {
      case "epsilon", "eps" -> PredictionType.EPSILON;
      case "v_prediction", "v" -> PredictionType.V_PREDICTION;
      case "sample" -> PredictionType.SAMPLE;
      default ->
          throw new TypeConversionException(
              "'" + name + "' is not known; known are epsilon, v_prediction, sample");
    };
  }
}
