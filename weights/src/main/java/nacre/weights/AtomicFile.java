package nacre.weights;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Atomic replacement of a file: under its name there is only ever the complete old content or the
 * complete new one. It is written to a hidden sibling first, forced to the disk, then renamed. A
 * full disk, an exception in the writer or a killed process leave the old file as it was.
 */
public final class AtomicFile {
  /** Bytes of the buffer in front of the file in {@link #write}. */
  private static final int BUFFER = 1 << 16;

  private AtomicFile() {}

  /** Produces the content of a file. */
  @FunctionalInterface
  public interface Content<T> {
    /**
     * Writes everything.
     *
     * @param out open and at position 0; closed by the caller
     */
    void writeTo(T out) throws IOException;
  }

  /**
   * Writes {@code target} through a buffered stream.
   *
   * @throws IOException in one sentence that names the target and the reason
   */
  public static void write(Path target, Content<OutputStream> content) throws IOException {
    writeChannel(
        target,
        channel -> {
          // Closing the stream would close the channel, which is still to be forced.
          OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
          content.writeTo(out);
          out.flush();
        });
  }

  /**
   * Writes {@code target} through a file channel. Note that {@link FileChannel#write} may take only
   * part of a buffer, when the disk fills up for instance: call it until nothing remains.
   *
   * @throws IOException in one sentence that names the target and the reason
   */
  public static void writeChannel(Path target, Content<FileChannel> content) throws IOException {
    try (Staging staging = Staging.beside(target)) {
      // Not Files.createTempFile: it would leave the file readable by its owner alone.
      try (FileChannel channel =
          FileChannel.open(
              staging.path(),
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      staging.moveTo(target);
    } catch (IOException e) {
      throw Staging.failure(target, e);
    }
  }

  /**
   * Deletes what killed writers of {@link AtomicFile} and {@link AtomicFolder} left in {@code
   * folder}; files that a living process is still writing stay. Call it once when a run starts.
   */
  public static void removeLeftovers(Path folder) throws IOException {
    Staging.sweep(folder);
  }
}
