package nacre.cli.options;

import nacre.tensor.DType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The names of the types that models compute in, as options and files have them. */
public final class DTypeOption implements ITypeConverter<DType> {

  /** The type that PyTorch or this project calls so; null if it is none. */
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
