package nacre.weights;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256 digest in the making. */
public final class Sha256 {
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

  /** The digest of bytes. */
  public static String of(byte[] bytes) {
    return new Sha256().add(ByteBuffer.wrap(bytes)).hex();
  }
}
