package nacre.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The system's own {@code dlopen}. Java's ways of loading a library do not say why one could not be
 * opened, and do not let it be seen by the libraries that are opened after it.
 */
final class DynamicLoader {
  private static final int RTLD_NOW = 2;
  private static final int RTLD_GLOBAL = 0x100;

  // Dl_info: const char *dli_fname; void *dli_fbase; const char *dli_sname; void *dli_saddr
  private static final StructLayout DL_INFO =
      MemoryLayout.structLayout(
          ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS);

  private static final MethodHandle DLOPEN =
      handle(
          "dlopen",
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
  private static final MethodHandle DLERROR =
      handle("dlerror", FunctionDescriptor.of(ValueLayout.ADDRESS));
  private static final MethodHandle DLSYM =
      handle(
          "dlsym",
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
  private static final MethodHandle DLADDR =
      handle(
          "dladdr",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));

  /** A library in the process. It stays there. */
  record Opened(MemorySegment handle) implements SymbolLookup {
    @Override
    public Optional<MemorySegment> find(String name) {
      try (Arena arena = Arena.ofConfined()) {
        var symbol = (MemorySegment) DLSYM.invokeExact(handle, arena.allocateFrom(name));
        return symbol.address() == 0 ? Optional.empty() : Optional.of(symbol);
      } catch (Throwable e) {
        throw unexpected(e);
      }
    }

    /** The file that a function of the library came from, or empty if the system cannot tell. */
    Optional<Path> fileOf(String function) {
      Optional<MemorySegment> symbol = find(function);
      if (symbol.isEmpty()) {
        return Optional.empty();
      }
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment info = arena.allocate(DL_INFO);
        int found = (int) DLADDR.invokeExact(symbol.get(), info);
        MemorySegment name = info.get(ValueLayout.ADDRESS, 0);
        return found == 0 || name.address() == 0
            ? Optional.empty()
            : Optional.of(Path.of(text(name)));
      } catch (Throwable e) {
        throw unexpected(e);
      }
    }
  }

  /** What came of opening: a library, or the system's words for why not. */
  record Answer(Optional<Opened> library, String error) {}

  private DynamicLoader() {}

  /** Whether this system opens libraries so. */
  static boolean isAvailable() {
    return DLOPEN != null && DLSYM != null && DLERROR != null && DLADDR != null;
  }

  /** Opens a library by its path, or by its name along the system's search path. */
  static Answer open(String file) {
    try (Arena arena = Arena.ofConfined()) {
      var handle =
          (MemorySegment) DLOPEN.invokeExact(arena.allocateFrom(file), RTLD_NOW | RTLD_GLOBAL);
      if (handle.address() != 0) {
        return new Answer(Optional.of(new Opened(handle)), "");
      }
      var error = (MemorySegment) DLERROR.invokeExact();
      return new Answer(
          Optional.empty(), error.address() == 0 ? "for no reason given" : text(error));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find(name)
        .map(symbol -> linker.downcallHandle(symbol, descriptor))
        .orElse(null);
  }

  private static String text(MemorySegment pointer) {
    return pointer.reinterpret(Long.MAX_VALUE).getString(0);
  }

  private static AssertionError unexpected(Throwable e) {
    return new AssertionError("the system's loader could not be called", e);
  }
}
