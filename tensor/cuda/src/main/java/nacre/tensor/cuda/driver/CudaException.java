package nacre.tensor.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.cuda.Cuda;

/** What one of NVIDIA's libraries answered in place of success, in its own words. */
public final class CudaException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  public CudaException(String message) {
    super(message);
  }

  /**
   * Passes if a call of the driver succeeded.
   *
   * @throws CudaException with the driver's name and text for the error
   */
  public static void check(int status, String call) {
    if (status != Cuda.CUDA_SUCCESS()) {
      throw new CudaException("cuda: " + call + ": " + explain(status));
    }
  }

  /** The driver's name and text for an error. */
  static String explain(int status) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(ValueLayout.ADDRESS);
      String name =
          Cuda.cuGetErrorName(status, text) == Cuda.CUDA_SUCCESS()
              ? text(text.get(ValueLayout.ADDRESS, 0))
              : "error " + status;
      return Cuda.cuGetErrorString(status, text) == Cuda.CUDA_SUCCESS()
          ? name + " (" + text(text.get(ValueLayout.ADDRESS, 0)) + ")"
          : name;
    }
  }

  /** The C string at an address that a library gave. */
  @SuppressWarnings("restricted") // its length is known once its end is found
  public static String text(MemorySegment pointer) {
    return pointer.address() == 0 ? "" : pointer.reinterpret(Long.MAX_VALUE).getString(0);
  }
}
