package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A grid has 65,535 rows of blocks at most, and a sum is cut along them. */
@Tag("cuda")
class LargeReductionTest {
  private static final long CHUNK = 4096;
  private static final long ROWS = 65535;

  @ParameterizedTest
  @ValueSource(longs = {CHUNK * ROWS + 1, 1L << 30, (1L << 31) + 7, 1L << 36, 1L << 45})
  void theChunksOfALargeSumFitIntoAGrid(long count) {
    long chunk = ReductionKernels.chunk(count);
    assertTrue((count + chunk - 1) / chunk <= ROWS, count + " in chunks of " + chunk);
    assertEquals(0, chunk % CHUNK);
  }

  /** Other cuts would be other bits. */
  @Test
  void othersAreCutAsTheyWere() {
    assertEquals(CHUNK, ReductionKernels.chunk(CHUNK + 1));
    assertEquals(CHUNK, ReductionKernels.chunk(CHUNK * ROWS));
  }
}
