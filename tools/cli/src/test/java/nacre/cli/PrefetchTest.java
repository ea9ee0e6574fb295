package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Batches that are made ahead of the steps that take them. */
class PrefetchTest {
  @Test
  void eachStepHasItsOwnBatchAndTheNextTwoAreMadeMeanwhile() throws InterruptedException {
    ConcurrentSkipListSet<Long> made = new ConcurrentSkipListSet<>();
    CountDownLatch ahead = new CountDownLatch(3);
    try (Prefetch<String> batches =
        new Prefetch<>(
            step -> {
              made.add(step);
              ahead.countDown();
              return Thread.currentThread().getName().startsWith("reader") ? "batch " + step : "";
            },
            2)) {
      assertEquals("batch 4", batches.batch(4));
      assertTrue(ahead.await(10, TimeUnit.SECONDS));
      assertEquals(List.of(4L, 5L, 6L), List.copyOf(made));
      for (int step = 5; step < 50; step++) {
        assertEquals("batch " + step, batches.batch(step));
      }
      assertEquals("batch 9", batches.batch(9)); // a run that goes back asks again
    }
  }

  @Test
  void aBatchThatFailsSaysWhyAtItsStep() {
    try (Prefetch<String> batches =
        new Prefetch<>(
            step -> {
              if (step == 2) {
                throw new UncheckedIOException("clip 7: cut short", new IOException("cut"));
              }
              return "fine";
            },
            1)) {
      assertEquals("fine", batches.batch(0));
      assertEquals("fine", batches.batch(1));
      UncheckedIOException e = assertThrows(UncheckedIOException.class, () -> batches.batch(2));
      assertEquals("clip 7: cut short", e.getMessage());
    }
  }
}
