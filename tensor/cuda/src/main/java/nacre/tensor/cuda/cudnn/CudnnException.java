package nacre.tensor.cuda.cudnn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.cuda.driver.CudaException;

/** cuDNN has no engine for a graph, or one that fails, in its own words. */
final class CudnnException extends Exception {
  private static final long serialVersionUID = 1;

  /** Statuses of one kind share their thousands. */
  private static final int KIND = 1000;

  /** The kind of statuses of a library that is not initialized, or lacks a part. */
  private static final int NOT_READY = 1;

  /**
   * Memory of host or GPU was short (4003, 4004); the driver, or the runtime, failed (5001, 5003).
   */
  private static final Set<Integer> NO_ENGINES_FAULT = Set.of(4003, 4004, 5001, 5003);

  private static final int LONGEST_MESSAGE = 1024;

  private final boolean forGood;

  /** What stays as it is with this GPU and these libraries. */
  CudnnException(String reason) {
    this(reason, true);
  }

  /**
   * @param forGood whether it stays as it is with this GPU and these libraries
   */
  CudnnException(String reason, boolean forGood) {
    super(reason);
    this.forGood = forGood;
  }

  /** Whether it stays as it is: what is not supported, and not what failed. */
  boolean isForGood() {
    return forGood;
  }

  /**
   * Passes if a call succeeded.
   *
   * @throws CudnnException if the library says that it does not support what was asked
   * @throws CudaException if it says anything else
   */
  static void check(int status, String call) throws CudnnException {
    if (status == Cudnn.CUDNN_STATUS_SUCCESS()) {
      return;
    }
    if (isNotSupported(status)) {
      throw new CudnnException(call + ": " + explain(status));
    }
    throw new CudaException("cuDNN: " + call + ": " + explain(status));
  }

  /**
   * Passes if a call succeeded that another engine may succeed with where this one did not.
   *
   * @throws CudnnException if the engine failed
   * @throws CudaException if memory was short, the library is not ready, or the device has failed:
   *     no engine is to blame for that
   */
  static void next(int status, String call) throws CudnnException {
    if (status == Cudnn.CUDNN_STATUS_SUCCESS()) {
      return;
    }
    if (status / KIND == NOT_READY || NO_ENGINES_FAULT.contains(status)) {
      throw new CudaException("cuDNN: " + call + ": " + explain(status));
    }
    throw new CudnnException(call + ": " + explain(status), isNotSupported(status));
  }

  /** As {@link #check}, for calls that nothing unsupported can come of. */
  static void require(int status, String call) {
    if (status != Cudnn.CUDNN_STATUS_SUCCESS()) {
      throw new CudaException("cuDNN: " + call + ": " + explain(status));
    }
  }

  private static boolean isNotSupported(int status) {
    return status / KIND == Cudnn.CUDNN_STATUS_NOT_SUPPORTED() / KIND;
  }

  private static String explain(int status) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = arena.allocate(LONGEST_MESSAGE);
      Cudnn.cudnnGetLastErrorString(message, LONGEST_MESSAGE);
      String last = message.getString(0).strip();
      String name = CudaException.text(Cudnn.cudnnGetErrorString(status));
      return last.isEmpty() ? name : name + " (" + last + ")";
    }
  }
}
