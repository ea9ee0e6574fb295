package nacre.bindings;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/** Counts the CPU's cores. */
public final class Processors {

  private Processors() {}

  /**
   * The physical cores that this process may use, at least one.
   *
   * <p>Two threads on the two halves of one core share its multipliers, so that dense arithmetic
   * gains nothing from the second. The count respects the affinity mask and, through {@link
   * Runtime#availableProcessors()}, a container's quota. Where the system does not tell cores from
   * hardware threads it is the latter.
   */
  public static int physicalCores() {
    int available = Runtime.getRuntime().availableProcessors();
    String os = System.getProperty("os.name");
    int cores = available;
    if (os.equals("Linux")) {
      cores = linuxCores(Path.of("/proc/self/status"), Path.of("/sys/devices/system/cpu"));
    } else if (os.startsWith("Mac")) {
      cores = macCores();
    }
    return cores < 1 ? available : Math.min(cores, available);
  }

  /** Distinct sets of hardware threads that share a core, or 0 if the kernel does not say. */
  static int linuxCores(Path status, Path cpus) {
    try {
      BitSet allowed = new BitSet();
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("Cpus_allowed_list:")) {
          allowed = parseList(line.substring(line.indexOf(':') + 1).strip());
        }
      }
      Set<String> cores = new HashSet<>();
      for (int cpu = allowed.nextSetBit(0); cpu >= 0; cpu = allowed.nextSetBit(cpu + 1)) {
        Path siblings = cpus.resolve("cpu" + cpu).resolve("topology/thread_siblings_list");
        cores.add(Files.readString(siblings).strip());
      }
      return cores.size();
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
  }

  /** Reads the kernel's notation for sets of processors, such as {@code 0-3,8,10-11}. */
  static BitSet parseList(String list) {
    BitSet set = new BitSet();
    for (String range : list.split(",")) {
      int dash = range.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
      int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1));
      set.set(first, last + 1);
    }
    return set;
  }

  private static int macCores() {
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor type =
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG);
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle sysctl =
          linker.downcallHandle(linker.defaultLookup().findOrThrow("sysctlbyname"), type);
      MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
      MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_LONG, value.byteSize());
      MemorySegment nothing = MemorySegment.NULL;
      // The fast cores if there are two kinds: an even split of work waits for the slow ones.
      for (String key : new String[] {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
        if ((int) sysctl.invokeExact(arena.allocateFrom(key), value, size, nothing, 0L) == 0) {
          return value.get(ValueLayout.JAVA_INT, 0);
        }
      }
      return 0;
    } catch (Throwable e) {
      return 0;
    }
  }
}
