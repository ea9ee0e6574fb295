package nacre.bindings;

import java.io.IOException;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.bindings.onednn.Dnnl;
import nacre.bindings.onednn.dnnl_version_t;

/**
 * Brings native libraries into the process.
 *
 * <p>The generated classes find their functions among the libraries that were loaded by the class
 * loader they themselves belong to. So a library's method here is called before anything in its
 * package, and nothing in its package is called if the answer is {@link NativeLibrary.Unavailable}.
 *
 * <p>A jar that carries a library may lie on the class path or on the module path. It need not be
 * resolved as a module, and cannot be: it requires Java bindings that are not used here.
 */
public final class NativeLibraries {

  private static final String ONEDNN = "oneDNN";

  private static volatile NativeLibrary oneDnn;

  private NativeLibraries() {}

  /**
   * Loads oneDNN, the first time it is called; later calls give the same answer.
   *
   * @param choice what to load, and with how many threads
   * @throws IllegalArgumentException if {@code choice.library()} is no path
   */
  public static NativeLibrary oneDnn(OneDnnChoice choice) {
    synchronized (NativeLibraries.class) {
      if (oneDnn == null) {
        oneDnn = loadOneDnn(choice);
      }
      return oneDnn;
    }
  }

  /**
   * What came of loading oneDNN.
   *
   * @throws IllegalStateException if nobody has called {@link #oneDnn(LibrarySearch)}
   */
  static NativeLibrary oneDnn() {
    NativeLibrary library = oneDnn;
    if (library == null) {
      throw new IllegalStateException("oneDNN was called before it was loaded");
    }
    return library;
  }

  private static NativeLibrary loadOneDnn(OneDnnChoice choice) {
    try {
      Path file =
          switch (choice.library()) {
            case "off" -> throw new Refusal("it is switched off by nacre.onednn or NACRE_ONEDNN");
            case "bundled" -> bundled(choice);
            default -> chosen(Path.of(choice.library()).toAbsolutePath(), choice);
          };
      return versionChecked(file);
    } catch (Refusal e) {
      return new NativeLibrary.Unavailable(ONEDNN, "oneDNN is not used: " + e.getMessage());
    }
  }

  private static Path bundled(OneDnnChoice choice) throws Refusal {
    Platform platform =
        Platform.current()
            .orElseThrow(
                () ->
                    new Refusal(
                        "no build of it exists for "
                            + System.getProperty("os.name")
                            + " on "
                            + System.getProperty("os.arch")));
    List<Path> files = unpacked(platform, choice.cache());
    configureOpenMp(choice);
    // The OpenMP runtime comes first, so that oneDNN meets the one it was built with.
    for (Path file : files) {
      load(file);
    }
    return files.getLast();
  }

  private static Path chosen(Path file, OneDnnChoice choice) throws Refusal {
    if (!Files.isRegularFile(file)) {
      throw new Refusal(
          "nacre.onednn or NACRE_ONEDNN names "
              + file
              + ", which is no file; it takes a path, \"bundled\" or \"off\"");
    }
    configureOpenMp(choice);
    load(file);
    return file;
  }

  private static List<Path> unpacked(Platform platform, Path root) throws Refusal {
    List<String> names = new ArrayList<>();
    platform.openMp().ifPresent(names::add);
    names.add(platform.oneDnn());
    List<PackedFile> packed = new ArrayList<>();
    try {
      for (String name : names) {
        Optional<PackedFile> file =
            PackedFile.find(NativeLibraries.class.getClassLoader(), platform.resource(name));
        packed.add(
            file.orElseThrow(
                () ->
                    new Refusal(
                        platform.resource(name)
                            + " is on neither the class path nor the module path; add"
                            + " org.bytedeco:dnnl with the classifier "
                            + platform.classifier())));
      }
    } catch (IOException e) {
      throw new Refusal("the jar that carries it cannot be read: " + e);
    }
    String version =
        Dnnl.DNNL_VERSION_MAJOR()
            + "."
            + Dnnl.DNNL_VERSION_MINOR()
            + "."
            + Dnnl.DNNL_VERSION_PATCH();
    String key =
        String.format(
            Locale.ROOT,
            "onednn-%s-%s-%08x",
            version,
            platform.classifier(),
            packed.getLast().crc());
    try {
      return new LibraryCache(root).place(key, packed);
    } catch (IOException e) {
      try {
        return LibraryCache.placeForThisProcess(packed);
      } catch (IOException e2) {
        throw new Refusal(
            String.format(
                Locale.ROOT,
                "it can be unpacked neither to %s (%s) nor to %s (%s); set NACRE_CACHE to a folder"
                    + " of yours",
                root,
                e,
                System.getProperty("java.io.tmpdir"),
                e2));
      }
    }
  }

  private static void configureOpenMp(OneDnnChoice choice) {
    OpenMpSettings.putIntoProcess(
        OpenMpSettings.additionsTo(choice.environment(), choice.threads()));
  }

  private static void load(Path file) throws Refusal {
    try {
      System.load(file.toString());
    } catch (UnsatisfiedLinkError e) {
      throw new Refusal(LoadFailure.describe(file, e.getMessage(), System.getProperty("os.name")));
    }
  }

  private static NativeLibrary versionChecked(Path file) throws Refusal {
    if (SymbolLookup.loaderLookup().find("dnnl_version").isEmpty()) {
      throw new Refusal(file + " is another library: it has no function dnnl_version");
    }
    var answer = Dnnl.dnnl_version();
    int major = dnnl_version_t.major(answer);
    int minor = dnnl_version_t.minor(answer);
    String version = major + "." + minor + "." + dnnl_version_t.patch(answer);
    if (major != Dnnl.DNNL_VERSION_MAJOR() || minor < Dnnl.DNNL_VERSION_MINOR()) {
      throw new Refusal(
          String.format(
              Locale.ROOT,
              "%s is version %s, and %d.%d or a later minor version is needed",
              file,
              version,
              Dnnl.DNNL_VERSION_MAJOR(),
              Dnnl.DNNL_VERSION_MINOR()));
    }
    return new NativeLibrary.Loaded(ONEDNN, version, file);
  }

  /** Carries the reason, for the user, why a library is not used. */
  private static final class Refusal extends Exception {
    private static final long serialVersionUID = 1;

    Refusal(String reason) {
      super(reason);
    }
  }
}
