package nacre.lab.calls;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.CudaLibraries;
import nacre.bindings.cuda.Cuda;
import nacre.bindings.nvrtc.Nvrtc;
import nacre.tensor.Setting;
import nacre.tensor.Settings;

/**
 * The first GPU: its context, a stream, an event and the machine code of a kernel that is empty.
 */
final class Gpu {
  /** Its one function. */
  static final String KERNEL = "empty";

  private static final String SOURCE = "extern \"C\" __global__ void empty() {}\n";

  final MemorySegment context;
  final MemorySegment stream;
  final MemorySegment event;
  final MemorySegment function;

  /** Makes the context current on the calling thread. */
  Gpu() {
    Arena arena = Arena.global();
    MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
    int device = open(out);
    check(Cuda.cuDevicePrimaryCtxRetain(out, device), "cuDevicePrimaryCtxRetain");
    context = out.get(ValueLayout.ADDRESS, 0);
    check(Cuda.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    check(Cuda.cuStreamCreate(out, Cuda.CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
    stream = out.get(ValueLayout.ADDRESS, 0);
    check(Cuda.cuEventCreate(out, Cuda.CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
    event = out.get(ValueLayout.ADDRESS, 0);
    MemorySegment image = arena.allocateFrom(ValueLayout.JAVA_BYTE, code());
    check(
        Cuda.cuModuleLoadDataEx(out, image, 0, MemorySegment.NULL, MemorySegment.NULL),
        "cuModuleLoadDataEx");
    MemorySegment module = out.get(ValueLayout.ADDRESS, 0);
    check(Cuda.cuModuleGetFunction(out, module, arena.allocateFrom(KERNEL)), "cuModuleGetFunction");
    function = out.get(ValueLayout.ADDRESS, 0);
  }

  /**
   * The first GPU's handle.
   *
   * @throws IllegalStateException in one sentence if there is none, or a library is missing
   */
  private static int open(MemorySegment out) {
    Settings settings = Settings.ofProcess();
    CudaLibraries.searchIn(
        settings.get(Setting.CUDA_LIBS), settings.cudaSimulator(), settings.environment());
    CudaLibraries.missing()
        .ifPresent(
            missing -> {
              throw new IllegalStateException(missing.reason());
            });
    int status = Cuda.cuInit(0);
    if (status == Cuda.CUDA_ERROR_NO_DEVICE()) {
      throw new IllegalStateException("the driver finds no GPU; nvidia-smi should list one");
    }
    check(status, "cuInit");
    check(Cuda.cuDeviceGet(out, 0), "cuDeviceGet");
    return out.get(ValueLayout.JAVA_INT, 0);
  }

  /** Opens the GPU, to find out whether there is one. */
  static void require() {
    try (Arena arena = Arena.ofConfined()) {
      open(arena.allocate(ValueLayout.ADDRESS));
    }
  }

  void synchronize() {
    check(Cuda.cuStreamSynchronize(stream), "cuStreamSynchronize");
  }

  /** The empty kernel for this GPU. */
  static byte[] code() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      int device = open(out);
      int major = attribute(out, Cuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR(), device);
      int minor = attribute(out, Cuda.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR(), device);
      check(
          Nvrtc.nvrtcCreateProgram(
              out,
              arena.allocateFrom(SOURCE),
              arena.allocateFrom("empty.cu"),
              0,
              MemorySegment.NULL,
              MemorySegment.NULL),
          "nvrtcCreateProgram");
      MemorySegment program = out.get(ValueLayout.ADDRESS, 0);
      MemorySegment options = arena.allocate(ValueLayout.ADDRESS);
      options.set(
          ValueLayout.ADDRESS, 0, arena.allocateFrom("--gpu-architecture=sm_" + major + minor));
      check(Nvrtc.nvrtcCompileProgram(program, 1, options), "nvrtcCompileProgram");
      MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
      check(Nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
      MemorySegment code = arena.allocate(size.get(ValueLayout.JAVA_LONG, 0));
      check(Nvrtc.nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN");
      check(Nvrtc.nvrtcDestroyProgram(out), "nvrtcDestroyProgram");
      return code.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static int attribute(MemorySegment out, int attribute, int device) {
    check(Cuda.cuDeviceGetAttribute(out, attribute, device), "cuDeviceGetAttribute");
    return out.get(ValueLayout.JAVA_INT, 0);
  }

  /** Checks a call of either library: 0 is success. */
  static void check(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(call + " answered " + status);
    }
  }
}
