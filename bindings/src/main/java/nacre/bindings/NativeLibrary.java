package nacre.bindings;

import java.nio.file.Path;

/** What came of looking for a native library. */
public sealed interface NativeLibrary {

  /** The library's name as its makers write it, such as {@code oneDNN}. */
  String name();

  /** Whether the library's functions may be called. */
  default boolean isLoaded() {
    return this instanceof Loaded;
  }

  /**
   * A library that is in the process, of a version the bindings were made for.
   *
   * @param name the library's name
   * @param version what the library itself answers when asked, such as {@code 3.13.0}
   * @param file the file it was loaded from
   */
  record Loaded(String name, String version, Path file) implements NativeLibrary {}

  /**
   * A library that cannot be used here.
   *
   * @param name the library's name
   * @param reason one plain sentence: what was tried, what failed, and the remedy if there is one
   */
  record Unavailable(String name, String reason) implements NativeLibrary {}
}
