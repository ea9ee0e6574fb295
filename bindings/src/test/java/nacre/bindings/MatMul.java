package nacre.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.ToIntFunction;
import nacre.bindings.onednn.Dnnl;
import nacre.bindings.onednn.dnnl_exec_arg_t;

/** A product of f32 matrices [m, k] x [k, n] -> [m, n], as oneDNN has it done. */
final class MatMul implements AutoCloseable {

  final MemorySegment a;
  final MemorySegment b;
  final MemorySegment c;
  private final Arena arena = Arena.ofShared();
  private final Deque<Runnable> undo = new ArrayDeque<>();
  private final MemorySegment out = arena.allocate(ADDRESS);
  private final MemorySegment engine;
  private final MemorySegment stream;
  private final MemorySegment primitive;
  private final MemorySegment arguments = arena.allocate(dnnl_exec_arg_t.layout(), 3);

  MatMul(int m, int k, int n) {
    check(Dnnl.dnnl_engine_create(out, Dnnl.dnnl_cpu(), 0));
    engine = made(Dnnl::dnnl_engine_destroy);
    check(Dnnl.dnnl_stream_create(out, engine, Dnnl.dnnl_stream_default_flags()));
    stream = made(Dnnl::dnnl_stream_destroy);
    MemorySegment aType = matrix(m, k);
    MemorySegment bType = matrix(k, n);
    MemorySegment cType = matrix(m, n);
    MemorySegment none = MemorySegment.NULL;
    check(Dnnl.dnnl_matmul_primitive_desc_create(out, engine, aType, bType, none, cType, none));
    MemorySegment description = made(Dnnl::dnnl_primitive_desc_destroy);
    check(Dnnl.dnnl_primitive_create(out, description));
    primitive = made(Dnnl::dnnl_primitive_destroy);
    a = argument(0, Dnnl.DNNL_ARG_SRC(), aType);
    b = argument(1, Dnnl.DNNL_ARG_WEIGHTS(), bType);
    c = argument(2, Dnnl.DNNL_ARG_DST(), cType);
  }

  void run() {
    check(Dnnl.dnnl_primitive_execute(primitive, stream, 3, arguments));
    check(Dnnl.dnnl_stream_wait(stream));
  }

  static void check(int status) {
    if (status != Dnnl.dnnl_success()) {
      throw new IllegalStateException(Dnnl.dnnl_status2str(status).getString(0));
    }
  }

  @Override
  public void close() {
    undo.forEach(Runnable::run);
    arena.close();
  }

  private MemorySegment matrix(long rows, long columns) {
    MemorySegment shape = arena.allocateFrom(JAVA_LONG, rows, columns);
    check(Dnnl.dnnl_memory_desc_create_with_tag(out, 2, shape, Dnnl.dnnl_f32(), Dnnl.dnnl_ab()));
    return made(Dnnl::dnnl_memory_desc_destroy);
  }

  private MemorySegment argument(int index, int role, MemorySegment type) {
    MemorySegment data = arena.allocate(Dnnl.dnnl_memory_desc_get_size(type), 64);
    for (long i = 0; i < data.byteSize() / 4; i++) {
      data.setAtIndex(JAVA_FLOAT, i, Float.NaN);
    }
    check(Dnnl.dnnl_memory_create(out, type, engine, data));
    MemorySegment argument = dnnl_exec_arg_t.asSlice(arguments, index);
    dnnl_exec_arg_t.arg(argument, role);
    dnnl_exec_arg_t.memory(argument, made(Dnnl::dnnl_memory_destroy));
    return data;
  }

  private MemorySegment made(ToIntFunction<MemorySegment> destroy) {
    MemorySegment handle = out.get(ADDRESS, 0);
    undo.push(() -> check(destroy.applyAsInt(handle)));
    return handle;
  }
}
