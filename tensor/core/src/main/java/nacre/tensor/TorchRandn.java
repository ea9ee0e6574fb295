package nacre.tensor;

/**
 * The normal numbers of PyTorch's CPU generator, {@code torch.randn(shape, generator=g, dtype=…)},
 * bit for bit: a seed starts from the same noise here as there.
 *
 * <p>Uniform numbers come from the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), normal
 * ones from Box and Muller, in one of two ways. From sixteen elements on, PyTorch works in blocks
 * of sixteen in f32, with the logarithm, sine and cosine of the Cephes library (Moshier) on AVX2;
 * the roundings here are those of PyTorch 2.13 as published for x86-64, which fuses multiplications
 * into additions. On processors without AVX2 PyTorch itself differs from this in last bits. Below
 * sixteen elements it works in f64, and keeps the second number of a pair for the next call.
 *
 * <p>f64's logarithm, sine and cosine may differ in the last bit from those of the C library that
 * PyTorch was built with; the result, rounded to f32, differs then about once in 2²⁹ numbers.
 */
public final class TorchRandn {
  private static final int BLOCK = 16;
  private static final int HALF = BLOCK / 2;

  private final MersenneTwister engine;
  private double kept;
  private boolean hasKept;

  /**
   * As {@code torch.Generator().manual_seed(seed)}.
   *
   * @param seed only the lower 32 bits count, as in PyTorch
   */
  public TorchRandn(long seed) {
    engine = new MersenneTwister((int) seed);
  }

  /**
   * The next numbers as a tensor of {@code shape}, in PyTorch's row-major order: the noise of an
   * image has shape {@code [N, C, H, W]}.
   *
   * @param dtype f32, bf16 or f16; bf16 and f16 are f32's numbers, rounded, as long as calls ask
   *     for multiples of sixteen
   */
  public Tensor randn(Device device, DType dtype, Shape shape) {
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException("randn: dtype " + dtype + " is not floating");
    }
    if (shape.elements() > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException("randn: " + shape + " does not fit a Java array");
    }
    float[] values = new float[(int) shape.elements()];
    if (values.length < BLOCK) {
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) normal();
      }
    } else if (dtype == DType.F32) {
      fillWhole(values);
    } else {
      fillByBlocks(values);
    }
    return Tensor.empty(device, dtype, shape).copyFrom(values);
  }

  /** All uniform numbers first, then the blocks; a rest is redone as the last sixteen elements. */
  private void fillWhole(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = uniform();
    }
    for (int i = 0; i + BLOCK <= values.length; i += BLOCK) {
      transform(values, i);
    }
    if (values.length % BLOCK != 0) {
      fillBlock(values, values.length - BLOCK);
    }
  }

  /** Block by block: a rest costs sixteen uniform numbers, no more. */
  private void fillByBlocks(float[] values) {
    for (int i = 0; i + BLOCK <= values.length; i += BLOCK) {
      fillBlock(values, i);
    }
    if (values.length % BLOCK != 0) {
      fillBlock(values, values.length - BLOCK);
    }
  }

  private void fillBlock(float[] values, int at) {
    for (int i = 0; i < BLOCK; i++) {
      values[at + i] = uniform();
    }
    transform(values, at);
  }

  /** Box and Muller: the uniform numbers of a block become normal ones, in f32. */
  private static void transform(float[] values, int at) {
    for (int i = at; i < at + HALF; i++) {
      float radius = (float) Math.sqrt(-2 * Cephes.log(1 - values[i]));
      float angle = (float) (2 * Math.PI) * values[i + HALF];
      // Adding the mean 0 turns −0 into 0.
      values[i] = radius * Cephes.cos(angle) + 0f;
      values[i + HALF] = radius * Cephes.sin(angle) + 0f;
    }
  }

  /** In [0, 1), of 24 bits. */
  private float uniform() {
    return (engine.next() & 0xFFFFFF) * 0x1p-24f;
  }

  /** In [0, 1), of 53 bits. */
  private double uniformDouble() {
    long high = engine.next();
    long word = high << 32 | engine.next() & 0xFFFFFFFFL;
    return (word & (1L << 53) - 1) * 0x1p-53;
  }

  /** One number in f64. */
  private double normal() {
    if (hasKept) {
      hasKept = false;
      return kept;
    }
    double u1 = uniformDouble();
    double u2 = uniformDouble();
    double radius = Math.sqrt(-2 * StrictMath.log1p(-u2));
    double angle = 2 * Math.PI * u1;
    kept = radius * StrictMath.sin(angle);
    hasKept = true;
    return radius * StrictMath.cos(angle);
  }
}
