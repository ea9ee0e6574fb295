package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class OpenMpTest {

  @BeforeAll
  static void load() {
    TestLibraries.oneDnn();
  }

  @Test
  void everyMemberRunsOnceAndItsWritesAreSeen() {
    int threads = OpenMp.threads();
    assertEquals(2, threads);
    int[] runs = new int[threads];
    for (int round = 1; round <= 200; round++) {
      OpenMp.parallel(
          (thread, count) -> {
            assertEquals(threads, count);
            runs[thread]++;
          });
      int[] expected = new int[threads];
      Arrays.fill(expected, round);
      assertArrayEquals(expected, runs);
    }
  }

  @Test
  void theCallerIsMemberZeroAndTheOthersStayTheSame() {
    Thread[] before = members();
    Thread[] after = members();
    assertSame(Thread.currentThread(), before[0]);
    assertArrayEquals(before, after);
  }

  @Test
  void whatABodyThrowsReachesTheCaller() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                OpenMp.parallel(
                    (thread, threads) -> {
                      throw new IllegalArgumentException("member " + thread);
                    }));
    assertTrue(e.getMessage().startsWith("member "));
    assertEquals(OpenMp.threads() - 1, e.getSuppressed().length);
    int last = OpenMp.threads() - 1;
    assertThrows(
        StackOverflowError.class,
        () ->
            OpenMp.parallel(
                (thread, threads) -> {
                  if (thread == last) {
                    endless(1);
                  }
                }));
    everyMemberRunsOnceAndItsWritesAreSeen();
  }

  @Test
  void aCallFromInsideIsATeamOfOneOnTheSameThread() {
    AtomicInteger inner = new AtomicInteger();
    OpenMp.parallel(
        (thread, threads) -> {
          Thread outer = Thread.currentThread();
          OpenMp.parallel(
              (innerThread, innerThreads) -> {
                assertEquals(0, innerThread);
                assertEquals(1, innerThreads);
                assertSame(outer, Thread.currentThread());
                inner.incrementAndGet();
              });
        });
    assertEquals(OpenMp.threads(), inner.get());
  }

  @Test
  void callersOnSeveralThreadsDoNotDisturbEachOther() throws Exception {
    int threads = OpenMp.threads();
    try (ExecutorService callers = Executors.newFixedThreadPool(3)) {
      List<Future<Integer>> sums = new ArrayList<>();
      for (int caller = 0; caller < 12; caller++) {
        sums.add(
            callers.submit(
                () -> {
                  AtomicInteger sum = new AtomicInteger();
                  for (int round = 0; round < 100; round++) {
                    OpenMp.parallel((thread, count) -> sum.addAndGet(thread + 1));
                  }
                  return sum.get();
                }));
      }
      for (Future<Integer> sum : sums) {
        assertEquals(100 * threads * (threads + 1) / 2, sum.get());
      }
    }
  }

  @Test
  void aTeamGoesWithTheThreadThatCalledIt() throws InterruptedException {
    for (int round = 0; round < 20; round++) {
      Thread[][] team = new Thread[1][];
      Thread caller = new Thread(() -> team[0] = members());
      caller.start();
      caller.join();
      for (Thread member : team[0]) {
        member.join();
      }
    }
  }

  @Test
  void oneDnnComputesOnTheSameThreads() {
    assumeTrue(OpenMp.threads() > 1, "needs two cores");
    Thread worker = members()[1];
    assertNotSame(Thread.currentThread(), worker);
    ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    long before = clock.getThreadCpuTime(worker.threadId());
    long wanted = before + 50_000_000; // far more than an idle member spins for
    long deadline = System.nanoTime() + 20_000_000_000L;
    try (MatMul matMul = new MatMul(512, 512, 512)) {
      while (clock.getThreadCpuTime(worker.threadId()) < wanted) {
        assertTrue(
            System.nanoTime() < deadline,
            () ->
                "the worker computed "
                    + (clock.getThreadCpuTime(worker.threadId()) - before)
                    + " ns in 20 s");
        matMul.run();
      }
    }
    assertSame(worker, members()[1]);
  }

  private static Thread[] members() {
    Thread[] members = new Thread[OpenMp.threads()];
    OpenMp.parallel((thread, threads) -> members[thread] = Thread.currentThread());
    return members;
  }

  private static int endless(int depth) {
    return endless(depth + 1) + 1;
  }
}
