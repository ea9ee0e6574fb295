package nacre.cli.options;

import nacre.tensor.DType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The names of the dtypes that models compute in, as used in options and files. */
public final class DTypeOption implements ITypeConverter<DType> {

  /** The dtype of a name in PyTorch or in this project; null if there is none. */
  public static DType of(String name) {
    return switch (name) {
      case "float32", "f32" -> DType.F32;
      case "bfloat16", "bf16" -> DType.BF16;
      default -> null;
    };
  }

  @Override
  public DType convert(String name) {
    DType type = of(name);
    if (type == null) {
      throw new TypeConversionException(
          "'" + name + "' is not known; known are float32 (or f32), bfloat16 (or bf16)");
    }
    return type;
  }
}
