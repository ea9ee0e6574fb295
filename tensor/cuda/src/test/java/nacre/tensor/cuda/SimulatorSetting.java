package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import nacre.tensor.cuda.driver.CudaDevice;

/**
 * A setting of the simulated GPU, from here to {@link #close}. The simulator reads them from the
 * environment of the process whenever they matter, so a test can change them while it runs.
 */
public record SimulatorSetting(String name) implements AutoCloseable {
  private static final Linker LINKER = Linker.nativeLinker();

  /** Sets it; a test that needs one is skipped on a real GPU. */
  public static SimulatorSetting of(String name, String value) {
    assumeTrue(CudaDevice.isSimulated(), name + " is a setting of the simulated GPU");
    call("setenv", name, value);
    return new SimulatorSetting(name);
  }

  @Override
  public void close() {
    call("unsetenv", name, null);
  }

  @SuppressWarnings("restricted") // setenv is no library of Nacre's
  private static void call(String function, String name, String value) {
    MemorySegment address = LINKER.defaultLookup().findOrThrow(function);
    try (Arena arena = Arena.ofConfined()) {
      int status;
      if (value == null) {
        MethodHandle unset =
            LINKER.downcallHandle(
                address, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
        status = (int) unset.invokeExact(arena.allocateFrom(name));
      } else {
        MethodHandle set =
            LINKER.downcallHandle(
                address,
                FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT));
        status = (int) set.invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 1);
      }
      assertEquals(0, status, function);
    } catch (Throwable e) {
      throw new AssertionError(function + " of " + name, e);
    }
  }
}
