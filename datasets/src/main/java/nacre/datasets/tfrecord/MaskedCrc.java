package nacre.datasets.tfrecord;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** The checksum of TFRecord files: a CRC-32C, rotated and offset so that it can be nested. */
final class MaskedCrc {
  private static final int OFFSET = 0xA282EAD8;

  private MaskedCrc() {}

  /** The masked checksum of the remaining bytes, which are consumed. */
  static int of(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return Integer.rotateRight((int) crc.getValue(), 15) + OFFSET;
  }
}
