package nacre.tensor.cuda.nccl;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import nacre.tensor.spi.Rendezvous;

/** Processes that meet in a folder: a file for each message. */
final class FileRendezvous implements Rendezvous {
  private static final long PATIENCE_MILLIS = 120_000;

  private final Path folder;
  private final int rank;
  private final int ranks;
  private int messages;

  FileRendezvous(Path folder, int rank, int ranks) {
    this.folder = folder;
    this.rank = rank;
    this.ranks = ranks;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return ranks;
  }

  @Override
  public int localRank() {
    return rank;
  }

  @Override
  public int localRanks() {
    return ranks;
  }

  @Override
  public byte[] fromFirst(byte[] bytes) {
    return all(rank == 0 ? bytes : new byte[0])[0];
  }

  @Override
  public byte[][] all(byte[] mine) {
    try {
      int number = messages++;
      Path draft = Files.write(folder.resolve("draft-" + rank), mine);
      Files.move(draft, folder.resolve(number + "-" + rank), StandardCopyOption.ATOMIC_MOVE);
      byte[][] answers = new byte[ranks][];
      long until = System.currentTimeMillis() + PATIENCE_MILLIS;
      for (int r = 0; r < ranks; r++) {
        Path file = folder.resolve(number + "-" + r);
        while (!Files.exists(file)) {
          if (System.currentTimeMillis() > until) {
            throw new IllegalStateException("rank " + r + " sent no message " + number);
          }
          Thread.sleep(10);
        }
        answers[r] = Files.readAllBytes(file);
      }
      return answers;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void barrier() {
    all(new byte[0]);
  }
}
