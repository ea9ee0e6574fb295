package nacre.cli.texttoimage;

import nacre.cli.options.DTypeOption;
import nacre.tensor.DType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The names of the dtypes that pictures are drawn in: those that models train in, and f16. */
final class SamplingTypeOption implements ITypeConverter<DType> {
  @Override
  public DType convert(String name) {
    if (name.equals("float16") || name.equals("f16")) {
      return DType.F16;
    }
    DType type = DTypeOption.of(name);
    if (type == null) {
      throw new TypeConversionException(
          "'"
              + name
              + "' is not known; known are float32 (or f32), bfloat16 (or bf16), float16 (or f16)");
    }
    return type;
  }
}
