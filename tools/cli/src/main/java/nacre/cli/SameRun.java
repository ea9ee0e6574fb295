package nacre.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import nacre.tensor.Tensor;

/** What must be the same on all processes that train together. */
final class SameRun {
  private static final long CHUNK = 1 << 20;

  private SameRun() {}

  /**
   * A digest of a run's settings, of the data set's extent, and of the weights that it begins with.
   */
  static byte[] digest(TrainingRun.Request request, Workload<?> work) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256", e);
    }
    String settings =
        String.join(
            "\n",
            request.preset().json(),
            request.compute().toString(),
            Long.toString(request.seed()),
            request.length().toString(),
            request.device().backend().getClass().getName(),
            String.join("\n", work.data().describe()),
            String.join("\n", work.data().split().heldOut().ids()),
            Long.toString(work.model().steps()));
    digest.update(settings.getBytes(StandardCharsets.UTF_8));
    Map<String, Tensor> weights = new TreeMap<>(work.model().trainedParameters());
    weights.forEach(
        (name, weight) ->
            digest.update((name + " " + checksum(weight)).getBytes(StandardCharsets.UTF_8)));
    return digest.digest();
  }

  private static long checksum(Tensor weight) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(weight.bytes());
      weight.backend().download(weight, bytes);
      CRC32C sum = new CRC32C();
      for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
        long length = Math.min(CHUNK, bytes.byteSize() - at);
        sum.update(bytes.asSlice(at, length).asByteBuffer());
      }
      return sum.getValue();
    }
  }
}
