package nacre.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** A SHA-256 digest in the making. */
public final class Sha256 {
  private static final int BUFFER = 1 << 20;

  private final MessageDigest digest;

  /** Of nothing so far. */
  public Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Adds bytes. */
  public Sha256 add(ByteBuffer bytes) {
    digest.update(bytes);
    return this;
  }

  /** Adds a text and its end, so that two texts are not taken for one. */
  public Sha256 add(String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
    return this;
  }

  /** The digest, 32 bytes; what is added later belongs to a new one. */
  public byte[] bytes() {
    return digest.digest();
  }

  /** The digest in hexadecimal, as {@link #bytes}. */
  public String hex() {
    return HexFormat.of().formatHex(bytes());
  }

  /**
   * The digest of a file.
   *
   * @throws IOException in one line, if it cannot be read
   */
  public static String of(Path file) throws IOException {
    Sha256 digest = new Sha256();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (channel.read(buffer) >= 0) {
        digest.add(buffer.flip());
        buffer.clear();
      }
    } catch (IOException e) {
      throw new IOException(
          String.format(Locale.ROOT, "cannot read %s: %s", file, e.getMessage()), e);
    }
    return digest.hex();
  }

  /** The digest of bytes. */
  public static String of(byte[] bytes) {
    return new Sha256().add(ByteBuffer.wrap(bytes)).hex();
  }
}
