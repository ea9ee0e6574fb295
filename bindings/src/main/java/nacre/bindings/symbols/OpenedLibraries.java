package nacre.bindings.symbols;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The libraries that were opened by path, by the package of bindings that calls them. The generated
 * classes look their functions up here, so that they do no harm where a library is absent.
 */
public final class OpenedLibraries {
  /** Since which CUDA a function has the number that its name ends in; older ones lack it. */
  private static final Map<String, String> OLDER_NAMES =
      Map.of("cuEventElapsedTime_v2", "cuEventElapsedTime"); // 12.8; with the same arguments

  private static final Map<String, SymbolLookup> OPENED = new ConcurrentHashMap<>();

  private OpenedLibraries() {}

  /** Says that a package's library is open. */
  public static void put(String bindings, SymbolLookup library) {
    OPENED.put(bindings, library);
  }

  /** Says that a package's library is not to be used after all. */
  public static void remove(String bindings) {
    OPENED.remove(bindings);
  }

  /**
   * Where the generated classes of a package look for their functions. A look-up throws {@link
   * IllegalStateException} while the library is not open.
   */
  public static SymbolLookup symbols(String bindings) {
    return name -> {
      SymbolLookup library = OPENED.get(bindings);
      if (library == null) {
        throw new IllegalStateException(
            "a function of nacre.bindings." + bindings + " was called before its library was open");
      }
      Optional<MemorySegment> symbol = library.find(name);
      String older = OLDER_NAMES.get(name);
      return symbol.isPresent() || older == null ? symbol : library.find(older);
    };
  }
}
