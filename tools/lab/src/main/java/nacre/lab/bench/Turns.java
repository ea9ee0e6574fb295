package nacre.lab.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.tensor.Memory;

/**
 * Nacre and a peer that take turns at the same work, so that a machine that slows down slows both.
 *
 * @param rounds turns that each takes
 * @param images that the work makes
 */
record Turns(int rounds, int images) {
  /** A work that is timed. */
  @FunctionalInterface
  interface Work {
    /** Median milliseconds. */
    double time() throws IOException, InterruptedException;
  }

  /**
   * Takes the turns, and prints the times, the memory of Nacre's tensors and the ratio.
   *
   * @param theirs null where there is no peer
   */
  void take(PrintStream out, Work ours, Work theirs) throws IOException, InterruptedException {
    List<Double> nacre = new ArrayList<>();
    List<Double> peer = new ArrayList<>();
    Memory.resetPeak();
    for (int round = 1; round <= rounds; round++) {
      nacre.add(ours.time());
      out.printf(Locale.ROOT, "round %d nacre %8.2f ms%n", round, nacre.getLast());
      if (theirs != null) {
        peer.add(theirs.time());
        double ratio = peer.getLast() / nacre.getLast();
        out.printf(
            Locale.ROOT, "round %d peer  %8.2f ms   ratio %.2f%n", round, peer.getLast(), ratio);
      }
    }
    out.printf(Locale.ROOT, "memory  tensors at most %.1f MB%n", Memory.peakBytes() / 1e6);
    print(out, "nacre", median(nacre));
    if (theirs != null) {
      print(out, "peer", median(peer));
      out.printf(
          Locale.ROOT, "ratio   nacre is %.2f times as fast%n", median(peer) / median(nacre));
    }
  }

  private void print(PrintStream out, String who, double median) {
    out.printf(Locale.ROOT, "%-7s %.2f ms, %.3g images/s%n", who, median, images * 1000.0 / median);
  }

  private static double median(List<Double> times) {
    return Peer.median(times.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
