package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.NativeLibraries;
import nacre.bindings.OpenMp;
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

  /** The library has no code for this on this CPU. */
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

  /** Creates a primitive; its descriptor stays the caller's. */
  static MemorySegment primitive(MemorySegment descriptor) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      check("primitive", Dnnl.dnnl_primitive_create(out, descriptor));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  /** The name of the code that was chosen for a primitive. */
  @SuppressWarnings("restricted")
  static String implementation(MemorySegment descriptor) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      check(
          "query",
          Dnnl.dnnl_primitive_desc_query(descriptor, Dnnl.dnnl_query_impl_info_str(), 0, out));
      return out.get(ValueLayout.ADDRESS, 0).reinterpret(256).getString(0);
    }
  }

  /** A memory object, to be given its address by {@link #place} before each use. */
  static MemorySegment memory(MemorySegment layout) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      check("memory", Dnnl.dnnl_memory_create(out, layout, get().engine(), MemorySegment.NULL));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  static void place(MemorySegment memory, long address) {
    check(
        "data handle", Dnnl.dnnl_memory_set_data_handle(memory, MemorySegment.ofAddress(address)));
  }

  /** What a layout takes, padding included; 0 for none. */
  static long bytes(MemorySegment layout) {
    return layout.address() == 0 ? 0 : Dnnl.dnnl_memory_desc_get_size(layout);
  }

  static void execute(String what, MemorySegment primitive, int count, MemorySegment arguments) {
    check(what, Dnnl.dnnl_primitive_execute(primitive, get().stream(), count, arguments));
  }

  /** From here on the calling thread has no team: what it builds or executes is its own. */
  static int alone() {
    return OpenMp.isAvailable() ? OpenMp.limit(1) : 0;
  }

  /** Ends that; {@code team} is what {@link #alone} answered. */
  static void together(int team) {
    if (team > 0) {
      OpenMp.limit(team);
    }
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
