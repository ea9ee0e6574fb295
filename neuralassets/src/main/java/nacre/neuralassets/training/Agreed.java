package nacre.neuralassets.training;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import nacre.tensor.spi.Rendezvous;

/** What ranks do together, and which has failed on all of them if it has on one. */
final class Agreed {
  private Agreed() {}

  /** What one rank does of it. */
  interface Work {
    /**
     * Does it.
     *
     * @throws IOException in one line, if that fails
     */
    void run() throws IOException;
  }

  /**
   * Does something on every rank, and waits for the others.
   *
   * @throws IOException on every rank, if it was thrown on one: this rank's own, or the line of the
   *     first that has one
   */
  static void upon(Rendezvous ranks, Work work) throws IOException {
    IOException own = null;
    try {
      work.run();
    } catch (IOException e) {
      own = e;
    }
    String line = own == null ? "" : String.valueOf(own.getMessage());
    for (byte[] bytes : ranks.all(line.getBytes(StandardCharsets.UTF_8))) {
      if (own == null && bytes.length > 0) {
        throw new IOException(new String(bytes, StandardCharsets.UTF_8));
      }
    }
    if (own != null) {
      throw own;
    }
  }
}
