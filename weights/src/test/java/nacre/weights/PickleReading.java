package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** Pickles as the reader of PyTorch's files meets them, in an archive with one storage. */
final class PickleReading {
  private static final Path PATH = Path.of("evil.pt");

  private PickleReading() {}

  /** The names of the tensors of a file. */
  static Set<String> read(byte[] file) throws WeightsException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = MemorySegment.ofArray(file);
      return Set.copyOf(TorchFile.parse(PATH, bytes, arena, Optional.empty()).entries().keySet());
    }
  }

  /** Why a pickle is refused, in one line. */
  static String refused(String pickle) {
    byte[] file = ZipBytes.checkpoint(pickle).bytes();
    String message = assertThrows(WeightsException.class, () -> read(file)).getMessage();
    assertTrue(message.startsWith("evil.pt: ") && message.length() < 600, message);
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  static void assertRefused(String reason, String pickle) {
    String message = refused(pickle);
    assertTrue(message.contains(reason), message);
  }
}
