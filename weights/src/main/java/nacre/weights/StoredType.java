package nacre.weights;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import nacre.tensor.DType;

/**
 * The element types of the safetensors format, in the order in which its reference implementation
 * ranks them. There are more than the engine computes with.
 */
public enum StoredType {
  BOOL(1),
  U8(1),
  I8(1),
  F8_E5M2(1),
  F8_E4M3(1),
  F8_E8M0(1),
  I16(2),
  U16(2),
  F16(2),
  BF16(2),
  I32(4),
  U32(4),
  F32(4),
  C64(8),
  F64(8),
  I64(8),
  U64(8);

  private static final Map<String, StoredType> BY_NAME = new HashMap<>();

  static {
    for (StoredType type : values()) {
      BY_NAME.put(type.name(), type);
    }
  }

  private final int bytes;

  StoredType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of an element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether it is a floating-point type of any width. */
  public boolean isFloat() {
    return switch (this) {
      case F8_E5M2, F8_E4M3, F8_E8M0, F16, BF16, F32, F64 -> true;
      default -> false;
    };
  }

  /** The type in which a tensor of the engine is stored unchanged. */
  public static StoredType of(DType dtype) {
    return switch (dtype) {
      case F32 -> F32;
      case BF16 -> BF16;
      case F16 -> F16;
      case I32 -> I32;
      case I64 -> I64;
      case U8 -> U8;
    };
  }

  /** The engine's type whose bytes are the same; empty where a conversion is needed. */
  Optional<DType> same() {
    return switch (this) {
      case F32 -> Optional.of(DType.F32);
      case BF16 -> Optional.of(DType.BF16);
      case F16 -> Optional.of(DType.F16);
      case I32 -> Optional.of(DType.I32);
      case I64 -> Optional.of(DType.I64);
      case U8, BOOL -> Optional.of(DType.U8);
      default -> Optional.empty();
    };
  }

  static Optional<StoredType> named(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }
}
