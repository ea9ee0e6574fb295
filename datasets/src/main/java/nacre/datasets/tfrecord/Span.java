package nacre.datasets.tfrecord;

/**
 * Bytes of a file that are read by themselves.
 *
 * @param offset of the first, from the start of the file
 * @param length their number
 * @param crc their masked checksum
 */
public record Span(long offset, int length, int crc) {}
