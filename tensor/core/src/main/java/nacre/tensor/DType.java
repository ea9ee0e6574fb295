package nacre.tensor;

/** Element types. Floating types compute with f32 accumulation whatever their storage. */
public enum DType {
  F32(4, true),
  BF16(2, true),
  F16(2, true),
  I32(4, false),
  I64(8, false),
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
