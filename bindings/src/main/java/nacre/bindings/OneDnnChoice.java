package nacre.bindings;

import java.nio.file.Path;
import java.util.Map;

/**
 * Which oneDNN is loaded, and with how many threads it computes.
 *
 * @param library {@code bundled} for the one that a jar carries, {@code off} for none, or the path
 *     of a shared library
 * @param threads of its OpenMP runtime
 * @param cache the folder that what comes out of the jar is unpacked to
 * @param environment variables of the process, of which those of the OpenMP runtime matter
 */
public record OneDnnChoice(
    String library, int threads, Path cache, Map<String, String> environment) {

  /** Whether the user wants no oneDNN. */
  public boolean isOff() {
    return library.equals("off");
  }
}
