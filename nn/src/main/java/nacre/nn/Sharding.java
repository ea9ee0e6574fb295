package nacre.nn;

/**
 * What ranks that train one model divide among them instead of each holding all of it (Rajbhandari
 * et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", 2020).
 */
public enum Sharding {
  /** Nothing: every rank holds everything, and updates everything. */
  NONE,
  /**
   * The optimizer's state, ZeRO-1: each rank keeps the moments, and where parameters are bf16 the
   * f32 masters, of its part, updates that, and the parts are gathered.
   */
  OPTIMIZER,
  /**
   * Gradients as well, ZeRO-2: they are summed in buckets as they come, each rank keeps the sums of
   * its part, and what was summed is freed.
   */
  GRADIENTS
}
