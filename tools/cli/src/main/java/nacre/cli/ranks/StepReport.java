package nacre.cli.ranks;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * What a rank tells the others after each step, so that all go on alike.
 *
 * @param loss of this rank's share of the batch
 * @param stops whether it was asked to stop
 * @param failure why it cannot go on, in one line; empty if it can
 * @param total length of the run, as the first rank has fixed it
 * @param saves whether the first rank wants a checkpoint
 */
public record StepReport(double loss, boolean stops, String failure, long total, boolean saves) {
  /**
   * What all come to.
   *
   * @param loss the mean of all
   * @param stops whether any stops
   * @param failure of the first that has one, with its rank; empty if none has
   * @param total the first rank's
   * @param saves the first rank's
   * @param broken the first rank whose loss is no finite number; −1 for none
   */
  public record Sum(
      double loss, boolean stops, String failure, long total, boolean saves, int broken) {}

  /** Exchanges reports; called by all ranks after the same step. */
  public Sum exchange(Ranks ranks) {
    if (!ranks.several()) {
      return new Sum(loss, stops, failure, total, saves, Double.isFinite(loss) ? -1 : 0);
    }
    byte[][] all = ranks.rendezvous().all(bytes());
    double sum = 0;
    boolean stop = false;
    String why = "";
    int broken = -1;
    StepReport first = null;
    for (int rank = 0; rank < all.length; rank++) {
      StepReport report = of(all[rank]);
      first = first == null ? report : first;
      sum += report.loss;
      stop |= report.stops;
      if (broken < 0 && !Double.isFinite(report.loss)) {
        broken = rank;
      }
      if (why.isEmpty() && !report.failure.isEmpty()) {
        why = "rank " + rank + ": " + report.failure;
      }
    }
    return new Sum(sum / all.length, stop, why, first.total, first.saves, broken);
  }

  private byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeDouble(loss);
      out.writeBoolean(stops);
      out.writeUTF(failure.substring(0, Math.min(failure.length(), 10_000)));
      out.writeLong(total);
      out.writeBoolean(saves);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static StepReport of(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return new StepReport(
          in.readDouble(), in.readBoolean(), in.readUTF(), in.readLong(), in.readBoolean());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
