package nacre.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The team of threads that oneDNN computes on, lent to Java.
 *
 * <p>oneDNN's threads stay awake for a moment after each operation, in the hope of more. A second
 * pool for the loops that are written in Java would compete with them for the same cores. So both
 * use one team: that of the OpenMP runtime that oneDNN is linked with.
 *
 * <p>The runtime keeps a team for each thread that calls it. A program that calls it from two
 * threads at a time has two teams, and more threads than cores; tensors are best computed from one
 * thread.
 */
public final class OpenMp {

  private OpenMp() {}

  /** What every member of the team runs. */
  @FunctionalInterface
  public interface Body {

    /**
     * Does one member's share.
     *
     * @param thread which member this is, from 0 (the caller of {@link #parallel}) to threads - 1
     * @param threads how many members take part
     */
    void run(int thread, int threads);
  }

  /**
   * Whether oneDNN is loaded and its OpenMP runtime can run Java code. If not, {@link #parallel}
   * throws.
   */
  public static boolean isAvailable() {
    return NativeLibraries.oneDnn().isLoaded() && Team.AVAILABLE;
  }

  /** The number of threads in a team, for the thread that calls. */
  public static int threads() {
    requireAvailable();
    try {
      return (int) Team.MAX_THREADS.invokeExact();
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * Sets the number of threads in a team, for the thread that calls: of regions that it begins, and
   * of what oneDNN plans or computes for it.
   *
   * @return what it was before
   */
  public static int limit(int threads) {
    int before = threads();
    if (threads != before) {
      try {
        Team.LIMIT.invokeExact(threads);
      } catch (Throwable e) {
        throw unexpected(e);
      }
    }
    return before;
  }

  /**
   * Runs a body once on each member of the team and returns when all have finished. What they wrote
   * is visible to the caller then. Called from inside a body, it runs the given body at once, as
   * the only member of a team of one.
   *
   * @throws IllegalStateException if {@link #isAvailable()} is false
   * @throws RuntimeException what a body threw, once all have finished; if several did, one of
   *     them, with the others suppressed in it (errors likewise)
   */
  public static void parallel(Body body) {
    requireAvailable();
    Region region = new Region(body);
    int slot = -1;
    try {
      int threads = (int) Team.MAX_THREADS.invokeExact();
      boolean inside = (int) Team.IN_PARALLEL.invokeExact() != 0;
      slot = threads == 1 || inside ? -1 : Region.enter(region);
      if (slot >= 0) {
        Team.PARALLEL.invokeExact(Team.ENTRY, (long) slot, threads, 0);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    } finally {
      if (slot >= 0) {
        Region.leave(slot);
      }
    }
    if (slot < 0) {
      body.run(0, 1);
      return;
    }
    // Pairs with the release in run(): the runtime's own barrier orders the two for the CPU,
    // this one for Java's compiler.
    VarHandle.acquireFence();
    region.rethrow();
  }

  /** Called by native code on every member of a team. Nothing may be thrown out of here. */
  private static void run(long slot) {
    Region region = Region.ACTIVE.get((int) slot);
    try {
      region.body.run((int) Team.THREAD_NUM.invokeExact(), (int) Team.NUM_THREADS.invokeExact());
    } catch (Throwable e) {
      region.failed(e);
    }
    VarHandle.releaseFence();
  }

  private static void requireAvailable() {
    if (!isAvailable()) {
      throw new IllegalStateException(
          switch (NativeLibraries.oneDnn()) {
            case NativeLibrary.Unavailable missing -> missing.reason();
            case NativeLibrary.Loaded loaded ->
                loaded.file() + " is not linked with an OpenMP runtime that has GOMP_parallel";
          });
    }
  }

  private static AssertionError unexpected(Throwable e) {
    return new AssertionError("the OpenMP runtime could not be called", e);
  }

  /** One call of {@link #parallel} that is under way. */
  private static final class Region {

    /** The regions under way; native code names them by their index. */
    static final AtomicReferenceArray<Region> ACTIVE = new AtomicReferenceArray<>(256);

    final Body body;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    Region(Body body) {
      this.body = body;
    }

    /** Answers the region's index, or -1 if more are under way than there is room for. */
    static int enter(Region region) {
      for (int slot = 0; slot < ACTIVE.length(); slot++) {
        if (ACTIVE.get(slot) == null && ACTIVE.compareAndSet(slot, null, region)) {
          return slot;
        }
      }
      return -1;
    }

    static void leave(int slot) {
      ACTIVE.set(slot, null);
    }

    void failed(Throwable e) {
      Throwable first = failure.compareAndExchange(null, e);
      if (first != null && first != e) {
        first.addSuppressed(e);
      }
    }

    void rethrow() {
      switch (failure.get()) {
        case null -> {}
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        case Throwable e -> throw new IllegalStateException("a parallel body failed", e);
      }
    }
  }

  /** The runtime's functions, found through oneDNN, so that they are those it calls itself. */
  private static final class Team {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LOOKUP = lookup();

    static final boolean AVAILABLE =
        LOOKUP.find("GOMP_parallel").isPresent() && LOOKUP.find("omp_get_thread_num").isPresent();

    // void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags): what
    // GCC compiles "#pragma omp parallel" to; LLVM's runtime has it too. The pointer to the data is
    // here a number that native code hands on without looking.
    static final MethodHandle PARALLEL =
        AVAILABLE
            ? LINKER.downcallHandle(
                LOOKUP.findOrThrow("GOMP_parallel"),
                FunctionDescriptor.ofVoid(
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT))
            : null;

    static final MethodHandle MAX_THREADS = query("omp_get_max_threads");
    static final MethodHandle IN_PARALLEL = query("omp_in_parallel");
    static final MethodHandle THREAD_NUM = query("omp_get_thread_num");
    static final MethodHandle NUM_THREADS = query("omp_get_num_threads");

    /** A function that only writes a number into the thread's own state. */
    static final MethodHandle LIMIT =
        AVAILABLE
            ? LINKER.downcallHandle(
                LOOKUP.findOrThrow("omp_set_num_threads"),
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT),
                Linker.Option.critical(false))
            : null;

    static final MemorySegment ENTRY = AVAILABLE ? entry() : null;

    /** A function that only reads a number, so cheap that the thread need not change its state. */
    private static MethodHandle query(String function) {
      return AVAILABLE
          ? LINKER.downcallHandle(
              LOOKUP.findOrThrow(function),
              FunctionDescriptor.of(ValueLayout.JAVA_INT),
              Linker.Option.critical(false))
          : null;
    }

    private static SymbolLookup lookup() {
      return switch (NativeLibraries.oneDnn()) {
        case NativeLibrary.Loaded loaded ->
            // A lookup in one library reaches into those it is linked with.
            SymbolLookup.libraryLookup(loaded.file(), Arena.global());
        case NativeLibrary.Unavailable missing -> name -> Optional.empty();
      };
    }

    private static MemorySegment entry() {
      try {
        MethodHandle run =
            MethodHandles.lookup()
                .findStatic(OpenMp.class, "run", MethodType.methodType(void.class, long.class));
        return LINKER.upcallStub(
            run, FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG), Arena.global());
      } catch (ReflectiveOperationException e) {
        throw new LinkageError("OpenMp.run is not where it was compiled to", e);
      }
    }
  }
}
