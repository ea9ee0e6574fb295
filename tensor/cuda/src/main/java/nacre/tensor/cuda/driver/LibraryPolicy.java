package nacre.tensor.cuda.driver;

import java.util.function.BiConsumer;

/**
 * How NVIDIA's libraries choose who computes, and who is told of it.
 *
 * @param tf32 whether f32 operands may be rounded to 10 bits of fraction
 * @param tune whether several engines are timed when a shape is first met, and the fastest is kept
 * @param cache where plans and what was timed are kept
 * @param tuned takes each shape that was timed, and what came of it
 * @param refused takes each shape that a library has no engine for, and what it says
 */
public record LibraryPolicy(
    boolean tf32,
    boolean tune,
    PlanCache cache,
    BiConsumer<String, String> tuned,
    BiConsumer<String, String> refused) {

  /** Exact f32, nothing timed, nothing kept. */
  public static LibraryPolicy plain(BiConsumer<String, String> refused) {
    return new LibraryPolicy(false, false, PlanCache.none(), (what, how) -> {}, refused);
  }

  /** The same, with rounded f32 operands or without. */
  public LibraryPolicy withTf32(boolean other) {
    return new LibraryPolicy(other, tune, cache, tuned, refused);
  }
}
