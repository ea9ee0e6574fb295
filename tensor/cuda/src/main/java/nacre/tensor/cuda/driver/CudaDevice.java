package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.bindings.cuda.Cuda;

/**
 * A GPU: its primary context, kept as long as the process, and the one stream that all its work
 * goes through, in the order in which it was asked for.
 *
 * <p>Any thread may ask, virtual ones too. A context belongs to a thread of the system, and a
 * virtual thread changes those, so each call makes the context current first, so that no call has
 * to be handed to a thread that owns it. {@link #enter} and {@link #leave} stand around every call:
 * they keep other threads' work out of a step while it is captured.
 */
public final class CudaDevice {
  private final int ordinal;
  private final int handle;
  private final String model;
  private final int capability;
  private final int multiprocessors;
  private final AtomicLong launches = new AtomicLong();
  private final long totalBytes;
  private final MemorySegment context;
  private final MemorySegment stream;
  private final ReentrantLock lock = new ReentrantLock();
  private final Arguments arguments = new Arguments();
  private final MemorySegment current = Arena.ofAuto().allocate(ValueLayout.ADDRESS);

  /** What {@link #leave} makes current again: another library's context, else null. */
  private MemorySegment other;

  private final List<Runnable> downloadChecks = new CopyOnWriteArrayList<>();
  private volatile boolean waits;
  private List<Runnable> captured; // null while nothing is captured

  private CudaDevice(int ordinal) {
    this.ordinal = ordinal;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(8);
      check(Cuda.cuDeviceGet(out, ordinal), "cuDeviceGet");
      handle = out.get(ValueLayout.JAVA_INT, 0);
      MemorySegment name = arena.allocate(256);
      check(Cuda.cuDeviceGetName(name, 256, handle), "cuDeviceGetName");
      model = name.getString(0);
      capability =
          10 * attribute(out, Cuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR())
              + attribute(out, Cuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR());
      multiprocessors = attribute(out, Cuda.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT());
      check(Cuda.cuDeviceTotalMem_v2(out, handle), "cuDeviceTotalMem");
      totalBytes = out.get(ValueLayout.JAVA_LONG, 0);
      if (attribute(out, Cuda.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED()) == 0) {
        throw new CudaException("cuda:" + ordinal + ": " + model + " has no memory pools");
      }
      check(Cuda.cuDevicePrimaryCtxRetain(out, handle), "cuDevicePrimaryCtxRetain");
      context = out.get(ValueLayout.ADDRESS, 0);
      enter();
      try {
        check(Cuda.cuStreamCreate(out, Cuda.CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
        stream = out.get(ValueLayout.ADDRESS, 0);
      } finally {
        leave();
      }
    }
  }

  /**
   * Opens a GPU.
   *
   * @throws CudaException in one sentence if a library is missing or too old, if there is no such
   *     GPU, or if it is too old
   */
  public static CudaDevice open(int ordinal) {
    CudaLibraries.missing()
        .ifPresent(
            missing -> {
              throw new CudaException("cuda: " + missing.reason());
            });
    int count = count();
    if (count == 0) {
      throw new CudaException("cuda: the driver finds no GPU; nvidia-smi should list one");
    }
    if (ordinal >= count) {
      throw new CudaException(
          String.format(
              Locale.ROOT,
              "cuda:%d: there is no such GPU, the driver finds %d, counted from 0",
              ordinal,
              count));
    }
    CudaDevice device = new CudaDevice(ordinal);
    if (device.capability < 80) {
      throw new CudaException(
          String.format(
              Locale.ROOT,
              "%s: %s has compute capability %d.%d, and 8.0 (Ampere) or later is needed",
              device,
              device.model,
              device.capability / 10,
              device.capability % 10));
    }
    return device;
  }

  /** How many GPUs the driver finds. Its library must be there. */
  public static int count() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.JAVA_INT);
      int status = Cuda.cuInit(0);
      if (status == Cuda.CUDA_ERROR_NO_DEVICE()) {
        return 0;
      }
      check(status, "cuInit");
      check(Cuda.cuDeviceGetCount(out), "cuDeviceGetCount");
      return out.get(ValueLayout.JAVA_INT, 0);
    }
  }

  private int attribute(MemorySegment out, int attribute) {
    check(Cuda.cuDeviceGetAttribute(out, attribute, handle), "cuDeviceGetAttribute");
    return out.get(ValueLayout.JAVA_INT, 0);
  }

  /**
   * Makes the context the calling thread's, and keeps other threads waiting until it leaves.
   *
   * <p>The context of this thread's before, another library's, is current again when it leaves.
   * Where it had none it keeps this one, which saves a call each time.
   */
  public void enter() {
    lock.lock();
    if (lock.getHoldCount() > 1) {
      return;
    }
    try {
      check(Cuda.cuCtxGetCurrent(current), "cuCtxGetCurrent");
      MemorySegment before = current.get(ValueLayout.ADDRESS, 0);
      boolean ours = before.equals(context);
      if (!ours) {
        check(Cuda.cuCtxSetCurrent(context), "cuCtxSetCurrent");
      }
      other = ours || before.address() == 0 ? null : before;
    } catch (CudaException e) {
      lock.unlock();
      throw e;
    }
  }

  /** Ends what {@link #enter} began. */
  public void leave() {
    try {
      if (other != null && lock.getHoldCount() == 1) {
        MemorySegment before = other;
        other = null;
        check(Cuda.cuCtxSetCurrent(before), "cuCtxSetCurrent");
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits until all work asked for is done. */
  public void synchronize() {
    enter();
    try {
      check(awaited(() -> Cuda.cuStreamSynchronize(stream)), "cuStreamSynchronize");
    } finally {
      leave();
    }
  }

  /** Makes a call that waits for the GPU, by one thread at a time; for who has entered. */
  int awaited(IntSupplier call) {
    waits = true;
    try {
      return call.getAsInt();
    } finally {
      waits = false;
    }
  }

  /** Whether a thread waits for the GPU now. */
  public boolean waits() {
    return waits;
  }

  /**
   * Does something on the host now, or, inside of a step that is being captured, before each replay
   * of it; for who has entered.
   */
  public void atEachRun(Runnable action) {
    if (captured != null) {
      captured.add(action);
    } else {
      action.run();
    }
  }

  /** From here on {@link #atEachRun} adds to a list; null ends it. */
  void capture(List<Runnable> actions) {
    captured = actions;
  }

  /** Asks this whenever work was waited for, whose numbers may mean nothing if it throws. */
  public void addDownloadCheck(Runnable check) {
    downloadChecks.add(check);
  }

  /** Ends {@link #addDownloadCheck}. */
  public void removeDownloadCheck(Runnable check) {
    downloadChecks.remove(check);
  }

  void checkDownload() {
    downloadChecks.forEach(Runnable::run);
  }

  /** The stream that all work goes through. */
  public MemorySegment stream() {
    return stream;
  }

  /** Counts one more launch. */
  public void launched() {
    launches.incrementAndGet();
  }

  /** How many launches there were of kernels, of libraries' plans and of copies. */
  public long launches() {
    return launches.get();
  }

  /** Where the arguments of the next launch go; for who has entered. */
  Arguments arguments() {
    return arguments;
  }

  /** The GPU's number, as in {@code cuda:1}. */
  public int ordinal() {
    return ordinal;
  }

  /** The driver's handle of the GPU. */
  int handle() {
    return handle;
  }

  /** The GPU's name as its makers write it. */
  public String model() {
    return model;
  }

  /** Compute capability, as 90 for 9.0. */
  public int capability() {
    return capability;
  }

  /** Streaming multiprocessors. */
  public int multiprocessors() {
    return multiprocessors;
  }

  /** Memory on the GPU. */
  public long totalBytes() {
    return totalBytes;
  }

  /** Whether this is the simulated GPU of the tests. */
  public static boolean isSimulated() {
    return CudaLibraries.simulator().isPresent();
  }

  /** One line: the GPU, its size, and the libraries with their versions. */
  public String describe() {
    List<String> libraries = new ArrayList<>();
    for (CudaLibrary library : CudaLibrary.values()) {
      if (!library.isOptional()
          && CudaLibraries.find(library) instanceof NativeLibrary.Loaded loaded) {
        libraries.add(
            library == CudaLibrary.DRIVER
                ? "CUDA " + loaded.version()
                : loaded.name() + " " + loaded.version());
      }
    }
    return String.format(
        Locale.ROOT,
        "%s%s (compute %d.%d, %d multiprocessors, %.1f GiB), %s",
        isSimulated() ? "simulated on the CPU, for tests only: " : "",
        model,
        capability / 10,
        capability % 10,
        multiprocessors,
        totalBytes / (double) (1L << 30),
        String.join(", ", libraries));
  }

  /** As the command line names it. */
  @Override
  public String toString() {
    return "cuda" + (ordinal == 0 ? "" : ":" + ordinal) + (isSimulated() ? " (simulated)" : "");
  }
}
