package nacre.tensor.spi;

import java.util.Optional;
import nacre.tensor.Tensor;

/**
 * What a group of ranks does together with tensors of one kind of device. All ranks call the same
 * methods in the same order with tensors of the same shapes and dtypes. Sums are deterministic: the
 * same bits on every rank, and in every run with as many ranks.
 *
 * <p>A method returns when the exchange is in the order of what the device computes: what is
 * computed from then on sees its result, as with the operations of {@link Backend}. Those named
 * {@code start…} go on beside what is computed afterwards, in the order in which they were started;
 * their tensors may be neither read nor written until {@link #join}. No element is exchanged in
 * another type than its tensor's; sums of bf16 are rounded to bf16.
 *
 * <p>An implementation notes what it writes by {@link Tensor#written}, which no one does for it.
 *
 * <p>Whatever fails is a {@link CollectiveException}, after which the group is of no use: a rank
 * that is lost, shapes that differ between ranks, a library's error. Used, and closed, by one
 * thread.
 */
public interface Collectives extends AutoCloseable {

  /** One line for the start of a run: which library serves, its version. */
  String describe();

  /** The number of this process, from 0. */
  int rank();

  /** How many processes there are. */
  int ranks();

  /** x = the sum over the ranks of x, in place; f32, bf16, i32 or i64. */
  default void sum(Tensor x) {
    startSum(x);
    join();
  }

  /**
   * part = this rank's part of the mean over the ranks of x. Seen as a row of elements, the part of
   * rank r begins at element r · n / ranks; n is a multiple of the ranks.
   *
   * @param x f32 or bf16, of n elements; left as it is
   * @param part of n / ranks elements; may be the memory of x where its own part lies
   */
  default void meanScatter(Tensor x, Tensor part) {
    startMeanScatter(x, part);
    join();
  }

  /**
   * x = the parts of all ranks, one after the other, in the order of ranks. Any dtype.
   *
   * @param part as many elements on every rank; may be the memory of x where its own part lies
   */
  default void gather(Tensor part, Tensor x) {
    startGather(part, x);
    join();
  }

  /** x = the x of one rank. Any dtype. */
  void broadcast(Tensor x, int root);

  /** Begins {@link #sum}. */
  void startSum(Tensor x);

  /** Begins x = the mean over the ranks of x, in place; f32 or bf16. */
  void startMean(Tensor x);

  /** Begins {@link #meanScatter}. */
  void startMeanScatter(Tensor x, Tensor part);

  /** Begins {@link #gather}. */
  void startGather(Tensor part, Tensor x);

  /** What is computed from here on sees the results of all that was started. */
  void join();

  /** Bytes that this rank has sent to others so far. */
  long bytesSent();

  /**
   * What started exchanges took so far.
   *
   * @param seconds in which something was under way
   * @param waited of them, in which this rank waited for it at {@link #join}
   */
  record Timing(double seconds, double waited) {
    /** The share that was hidden behind what this rank computed meanwhile. */
    public double hidden() {
      return seconds == 0 ? 0 : 1 - waited / seconds;
    }
  }

  /** What started exchanges took so far; empty where nobody measures it. */
  default Optional<Timing> timing() {
    return Optional.empty();
  }

  /**
   * Whether this process waits for its device now, where exchanges may wait for other ranks; asked
   * by any thread. False where exchanges wait on the host.
   */
  default boolean waits() {
    return false;
  }

  /**
   * Gives up exchanges that are under way, so that nothing waits for a rank that is lost; may be
   * called by any thread.
   */
  void abort();

  @Override
  void close();
}
