package nacre.tensor.cuda.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Compiled code in files, each after the SHA-256 of itself: a file that was cut off or changed is
 * as good as none. A cache that cannot be read or written costs time, and nothing else.
 */
final class CodeCache {
  private static final int DIGEST = 32;

  private CodeCache() {}

  /**
   * What {@code load} makes of the code in a file; of freshly compiled code, which is then kept
   * there, where there is none or the driver does not take it. Its makers may have meant it for
   * another driver.
   */
  static <T> T get(Path file, Function<byte[], T> load, Supplier<byte[]> compiler) {
    T kept = find(file, load);
    if (kept != null) {
      return kept;
    }
    byte[] code = compiler.get();
    T loaded = load.apply(code);
    write(file, code);
    return loaded;
  }

  /** What {@code load} makes of the code in a file; null where there is none that it takes. */
  static <T> T find(Path file, Function<byte[], T> load) {
    byte[] kept = read(file);
    if (kept == null) {
      return null;
    }
    try {
      return load.apply(kept);
    } catch (CudaException e) {
      return null; // if the code is not to blame, what is compiled fails in the same way
    }
  }

  /** Null where there is none that is whole. */
  static byte[] read(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        return null;
      }
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length <= DIGEST) {
        return null;
      }
      byte[] code = Arrays.copyOfRange(bytes, DIGEST, bytes.length);
      return Arrays.equals(digest(code), Arrays.copyOf(bytes, DIGEST)) ? code : null;
    } catch (IOException e) {
      return null; // unreadable: as if it were not there
    }
  }

  /** Puts code into a file, if that can be. */
  static void write(Path file, byte[] code) {
    try {
      Files.createDirectories(file.getParent());
      Path aside = Files.createTempFile(file.getParent(), "code-", ".part");
      try {
        byte[] bytes = Arrays.copyOf(digest(code), DIGEST + code.length);
        System.arraycopy(code, 0, bytes, DIGEST, code.length);
        Files.write(aside, bytes);
        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(aside);
      }
    } catch (IOException e) {
      return; // it is compiled again at the next start
    }
  }

  private static byte[] digest(byte[] code) {
    return sha256().digest(code);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
