package nacre.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.TreeMap;
import nacre.tensor.Tensor;
import nacre.weights.Sha256;

/** What must be the same on all processes that train together. */
final class SameRun {
  private static final long CHUNK = 1 << 20;

  private SameRun() {}

  /**
   * A digest of a run's settings, of the data set's extent, and of the weights that it begins with.
   */
  static byte[] digest(TrainingRun.Request request, Workload<?> work) {
    Sha256 digest = new Sha256();
    digest.add(request.preset().json()).add(request.compute().toString());
    digest.add(Long.toString(request.seed())).add(request.length().toString());
    digest.add(request.device().backend().getClass().getName());
    work.data().describe().forEach(digest::add);
    work.data().split().heldOut().ids().forEach(digest::add);
    digest.add(Long.toString(work.model().steps()));
    new TreeMap<>(work.model().trainedParameters())
        .forEach((name, weight) -> add(digest.add(name), weight));
    return digest.bytes();
  }

  private static void add(Sha256 digest, Tensor weight) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(weight.bytes());
      weight.backend().download(weight, bytes);
      for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
        long length = Math.min(CHUNK, bytes.byteSize() - at);
        digest.add(bytes.asSlice(at, length).asByteBuffer());
      }
    }
  }
}
