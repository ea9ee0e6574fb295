package nacre.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How many threads the OpenMP runtime shall have, and how long they stay awake without work.
 *
 * <p>The runtimes read this from the environment once, when they are loaded, and a setting there
 * holds for every thread that calls oneDNN later, where {@code omp_set_num_threads} holds for the
 * calling one alone. So the variables are set in this process just before the load. How long to
 * stay awake is left as it is where the user has said it himself.
 */
final class OpenMpSettings {

  /**
   * How often a member of GCC's runtime that has to wait looks again before it sleeps. A look takes
   * some 25 nanoseconds (measured on a Zen 5), so that it stays awake for 100 microseconds: longer
   * than Java takes between two operations. Handing work to a member that is awake costs 0.7
   * microseconds, to one asleep 25 to 60.
   *
   * <p>The runtime's own 300 000 looks, 7 milliseconds, serve a machine that has nothing else to
   * do. If another thread wants a core, be it the JVM's compiler, a member that waits keeps the one
   * it waits for from running: with one competitor on two cores, a region of 80 microseconds took
   * 3.5 milliseconds at 100 000 looks, 0.7 at 4000, 0.3 at 1000, 0.1 at none.
   */
  static final int GNU_SPIN_COUNT = 4_000;

  /** The same for LLVM's runtime, in milliseconds, its smallest unit; its default is 200. */
  static final int LLVM_BLOCK_TIME_MILLIS = 1;

  private OpenMpSettings() {}

  /**
   * What to add to an environment.
   *
   * @param environment the process's environment
   * @param threads how many threads a team shall have
   */
  static Map<String, String> additionsTo(Map<String, String> environment, int threads) {
    Map<String, String> additions = new LinkedHashMap<>();
    additions.put("OMP_NUM_THREADS", Integer.toString(threads));
    if (!environment.containsKey("OMP_WAIT_POLICY")) {
      if (!environment.containsKey("GOMP_SPINCOUNT")) {
        additions.put("GOMP_SPINCOUNT", Integer.toString(GNU_SPIN_COUNT));
      }
      if (!environment.containsKey("KMP_BLOCKTIME")) {
        additions.put("KMP_BLOCKTIME", Integer.toString(LLVM_BLOCK_TIME_MILLIS));
      }
    }
    return additions;
  }

  /** Sets variables in this process's own environment, which native code sees and Java does not. */
  static void putIntoProcess(Map<String, String> variables) {
    Linker linker = Linker.nativeLinker();
    MemorySegment setenv = linker.defaultLookup().find("setenv").orElse(MemorySegment.NULL);
    if (setenv.equals(MemorySegment.NULL)) {
      return; // Windows: its OpenMP runtime is asked through its functions alone.
    }
    MethodHandle handle =
        linker.downcallHandle(
            setenv,
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      for (Map.Entry<String, String> variable : variables.entrySet()) {
        MemorySegment name = arena.allocateFrom(variable.getKey());
        MemorySegment value = arena.allocateFrom(variable.getValue());
        int replace = 1;
        int status = (int) handle.invokeExact(name, value, replace);
        if (status != 0) {
          throw new IllegalStateException("setenv(" + variable.getKey() + ") failed");
        }
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new LinkageError("setenv could not be called", e);
    }
  }
}
