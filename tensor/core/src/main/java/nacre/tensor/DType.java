package nacre.tensor;

/** Element types. Floating types compute with f32 accumulation whatever their storage. */
public enum DType {
  /** IEEE 754 single precision, the default. */
  F32(4, true),
  /** The upper half of an f32: 8 bits of exponent, 7 of fraction. */
  BF16(2, true),
  /** IEEE 754 half precision. */
  F16(2, true),
  /** Signed integers of 32 bits. */
  I32(4, false),
  /** Signed integers of 64 bits. */
  I64(8, false),
  /** Unsigned bytes. */
  U8(1, false);

  private final int bytes;
  private final boolean floating;

  DType(int bytes, boolean floating) {
    this.bytes = bytes;
    this.floating = floating;
  }

  /** Bytes an element takes. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are floating-point numbers, and so can carry gradients. */
  public boolean isFloating() {
    return floating;
  }

  /** The name as errors and files spell it, for example {@code bf16}. */
  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
