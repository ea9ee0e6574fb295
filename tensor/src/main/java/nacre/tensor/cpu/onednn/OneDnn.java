package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.NativeLibraries;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;

/** The oneDNN library: its engine and stream, and the checks on what it answers. */
final class OneDnn {
  private static final OneDnn INSTANCE = new OneDnn();

  private final MemorySegment engine;
  private final MemorySegment stream;

  private OneDnn() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check("engine", Dnnl.dnnl_engine_create(out, Dnnl.dnnl_cpu(), 0));
      engine = out.get(ValueLayout.ADDRESS, 0);
      check("stream", Dnnl.dnnl_stream_create(out, engine, Dnnl.dnnl_stream_default_flags()));
      stream = out.get(ValueLayout.ADDRESS, 0);
    }
  }

  /** The library, loaded before by {@link NativeLibraries#oneDnn()}. */
  static OneDnn get() {
    return INSTANCE;
  }

  MemorySegment engine() {
    return engine;
  }

  MemorySegment stream() {
    return stream;
  }

  /** The library has no code for this on this processor. */
  static final class NotImplemented extends IllegalStateException {
    private static final long serialVersionUID = 1;

    private NotImplemented(String message) {
      super(message);
    }
  }

  static void check(String what, int status) {
    if (status == Dnnl.dnnl_unimplemented()) {
      throw new NotImplemented("oneDNN: " + what + ": not implemented for these arguments");
    }
    if (status != Dnnl.dnnl_success()) {
      throw new IllegalStateException("oneDNN: " + what + ": " + explain(status));
    }
  }

  private static String explain(int status) {
    if (status == Dnnl.dnnl_out_of_memory()) {
      return "out of memory";
    }
    if (status == Dnnl.dnnl_invalid_arguments()) {
      return "invalid arguments";
    }
    return "status " + status;
  }

  static int type(DType dtype) {
    return switch (dtype) {
      case F32 -> Dnnl.dnnl_f32();
      case BF16 -> Dnnl.dnnl_bf16();
      case F16 -> Dnnl.dnnl_f16();
      case I32 -> Dnnl.dnnl_s32();
      case I64 -> Dnnl.dnnl_s64();
      case U8 -> Dnnl.dnnl_u8();
    };
  }
}
