package nacre.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import nacre.bindings.cublaslt.CublasLt;
import nacre.bindings.cuda.Cuda;
import nacre.bindings.cudnn.Cudnn;
import nacre.bindings.nccl.Nccl;
import nacre.bindings.nvrtc.Nvrtc;

/** One of NVIDIA's libraries that the CUDA backend calls. */
public enum CudaLibrary {
  /** The driver's own interface, which comes with the driver and with nothing else. */
  DRIVER("NVIDIA driver", "cuda", "12.4") {
    @Override
    List<String> files(int cudaMajor) {
      return List.of("libcuda.so.1");
    }

    @Override
    String installed() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment version = arena.allocate(ValueLayout.JAVA_INT);
        check(Cuda.cuDriverGetVersion(version), "cuDriverGetVersion");
        int number = version.get(ValueLayout.JAVA_INT, 0);
        return number / 1000 + "." + number % 1000 / 10;
      }
    }

    @Override
    String remedy(int cudaMajor) {
      return "install NVIDIA's driver 550 or later (https://www.nvidia.com/drivers)";
    }
  },

  /** The compiler that makes the backend's own kernels at run time. */
  NVRTC("NVRTC", "nvrtc", "12.4") {
    @Override
    List<String> files(int cudaMajor) {
      return numbered("libnvrtc.so.", cudaMajor);
    }

    @Override
    String installed() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment numbers = arena.allocate(ValueLayout.JAVA_INT, 2);
        check(Nvrtc.nvrtcVersion(numbers, numbers.asSlice(4)), "nvrtcVersion");
        return numbers.get(ValueLayout.JAVA_INT, 0) + "." + numbers.get(ValueLayout.JAVA_INT, 4);
      }
    }

    @Override
    String remedy(int cudaMajor) {
      return pip("nvidia-cuda-nvrtc", cudaMajor);
    }
  },

  /** Matrix products. */
  CUBLASLT("cuBLASLt", "cublaslt", "12.4") {
    @Override
    List<String> files(int cudaMajor) {
      return numbered("libcublasLt.so.", cudaMajor);
    }

    @Override
    String installed() {
      long number = CublasLt.cublasLtGetVersion();
      return number / 10000 + "." + number / 100 % 100 + "." + number % 100;
    }

    @Override
    String remedy(int cudaMajor) {
      return pip("nvidia-cublas", cudaMajor);
    }
  },

  /** Convolutions and attention. Before 9.15.1 attention could read out of bounds in a graph. */
  CUDNN("cuDNN", "cudnn", "9.15.1") {
    @Override
    List<String> files(int cudaMajor) {
      return List.of("libcudnn.so.9");
    }

    @Override
    String installed() {
      long number = Cudnn.cudnnGetVersion();
      return number / 10000 + "." + number / 100 % 100 + "." + number % 100;
    }

    @Override
    String remedy(int cudaMajor) {
      return "pip install -U nvidia-cudnn-cu" + cudaMajor + ", or " + HINT;
    }
  },

  /** What processes exchange tensors with, a GPU each; a process alone needs none. */
  NCCL("NCCL", "nccl", "2.20") {
    @Override
    public boolean isOptional() {
      return true;
    }

    @Override
    List<String> files(int cudaMajor) {
      return List.of("libnccl.so.2");
    }

    @Override
    String installed() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment version = arena.allocate(ValueLayout.JAVA_INT);
        check(Nccl.ncclGetVersion(version), "ncclGetVersion");
        int number = version.get(ValueLayout.JAVA_INT, 0);
        return number / 10000 + "." + number / 100 % 100 + "." + number % 100;
      }
    }

    @Override
    String remedy(int cudaMajor) {
      return "pip install -U nvidia-nccl-cu" + cudaMajor + ", or " + HINT;
    }
  };

  /** The majors of CUDA that the bindings fit, the newest first. */
  private static final List<Integer> CUDA_MAJORS = List.of(13, 12);

  private static final String HINT = "name its folder with --cuda-libs or NACRE_CUDA_LIBS";

  private final String title;
  private final String bindings;
  private final String minimum;

  CudaLibrary(String title, String bindings, String minimum) {
    this.title = title;
    this.bindings = bindings;
    this.minimum = minimum;
  }

  /** The name as its makers write it. */
  public String title() {
    return title;
  }

  /** The oldest version that serves, such as {@code 9.15.1}. */
  public String minimum() {
    return minimum;
  }

  /** Whether a process that uses one GPU, and is alone, does without. */
  public boolean isOptional() {
    return false;
  }

  /** The package below this one that holds its functions. */
  String bindings() {
    return bindings;
  }

  /** File names it may have, the best first, for a driver of this major of CUDA. */
  abstract List<String> files(int cudaMajor);

  /** What the library, once opened, says its version is. */
  abstract String installed();

  /** How a user gets one that fits. */
  abstract String remedy(int cudaMajor);

  /** The driver's major first: what a newer toolkit compiles, an older driver may not take. */
  private static List<String> numbered(String stem, int cudaMajor) {
    List<String> names = new ArrayList<>(List.of(stem + cudaMajor));
    for (int major : CUDA_MAJORS) {
      if (major < cudaMajor) {
        names.add(stem + major);
      }
    }
    return names;
  }

  private static String pip(String name, int cudaMajor) {
    return "pip install -U " + name + (cudaMajor < 13 ? "-cu" + cudaMajor : "") + ", or " + HINT;
  }

  private static void check(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(call + " answered " + status);
    }
  }
}
