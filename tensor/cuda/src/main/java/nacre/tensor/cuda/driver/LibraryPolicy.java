package nacre.tensor.cuda.driver;

import java.util.function.BiConsumer;

/**
 * How NVIDIA's libraries choose who computes, and who is told of it.
 *
 * @param tf32 whether f32 operands may be rounded to 10 bits of fraction
 * @param tune whether several engines are timed when a shape is first met, and the fastest is kept
 * @param cache where plans and what was timed are kept
 * @param planned takes for each plan of cuDNN's what kind of operation it is of, and its engine
 * @param tuned takes each shape that was timed, and what came of it
 * @param refused takes each shape that a library has no engine for, and what it says
 */
public record LibraryPolicy(
    boolean tf32,
    boolean tune,
    PlanCache cache,
    BiConsumer<String, String> planned,
    BiConsumer<String, String> tuned,
    BiConsumer<String, String> refused) {

  /** Exact f32, nothing timed, nothing kept. */
  public static LibraryPolicy plain(BiConsumer<String, String> refused) {
    BiConsumer<String, String> nobody = (what, how) -> {};
    return new LibraryPolicy(false, false, PlanCache.none(), nobody, nobody, refused);
  }

  /** The same, with rounded f32 operands or without. */
  public LibraryPolicy withTf32(boolean other) {
    return new LibraryPolicy(other, tune, cache, planned, tuned, refused);
  }
}
