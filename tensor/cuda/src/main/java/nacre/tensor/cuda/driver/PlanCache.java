package nacre.tensor.cuda.driver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.LibraryBuild;
import nacre.bindings.NativeLibrary;

/**
 * What libraries built or chose for one kind of GPU, in files, so that the next process need not
 * build or choose again. What is kept depends on the GPU's model and size, on the driver, and on
 * version and build of each library: after any of these changes nothing of it is found.
 *
 * <p>A file holds what it is of, and a digest of itself; one that is cut off, changed or of
 * something else is as good as none. Files are written aside and renamed, so that several processes
 * can use the same folder. Of more than so many bytes those go that were not used for longest.
 */
public final class PlanCache {
  private static final long MOST = 256L << 20;
  private static final String ENDING = ".plan";
  private static final int DIGEST = 32;

  /** How exactly it is known when a file was last used. */
  private static final Duration DAY = Duration.ofDays(1);

  /** The line in which the driver of Linux names its version. */
  private static final Path DRIVER = Path.of("/proc/driver/nvidia/version");

  private final Path folder; // null where nothing is kept
  private final String circumstances;
  private final long most;

  private PlanCache(Path folder, String circumstances, long most) {
    this.folder = folder;
    this.circumstances = circumstances;
    this.most = most;
  }

  /** What is kept for a GPU, in a folder that need not be there yet. */
  public static PlanCache of(CudaDevice device, Path folder) {
    return new PlanCache(folder, circumstances(device), MOST);
  }

  /** What is kept for a GPU that is not there, whatever describes it. */
  public static PlanCache of(Path folder, String circumstances) {
    return new PlanCache(folder, circumstances, MOST);
  }

  /** One that keeps nothing. */
  public static PlanCache none() {
    return new PlanCache(null, "", 0);
  }

  /**
   * As {@link #of(Path, String)}.
   *
   * @param most bytes of all files
   */
  static PlanCache of(Path folder, String circumstances, long most) {
    return new PlanCache(folder, circumstances, most);
  }

  private static String circumstances(CudaDevice device) {
    StringBuilder all = new StringBuilder();
    all.append(device.model()).append(", ").append(device.capability()).append(", ");
    all.append(device.multiprocessors()).append(", ").append(device.totalBytes()).append('\n');
    for (CudaLibrary library : CudaLibrary.values()) {
      if (!library.isOptional()
          && CudaLibraries.find(library) instanceof NativeLibrary.Loaded loaded) {
        all.append(loaded.name()).append(' ').append(loaded.version()).append(' ');
        all.append(LibraryBuild.of(loaded.file())).append('\n');
      }
    }
    return all.append(driver()).toString();
  }

  private static String driver() {
    try (Stream<String> lines = Files.lines(DRIVER)) {
      return lines.findFirst().orElse("");
    } catch (IOException e) {
      return ""; // another system's driver, or the simulated one: its library's version is known
    }
  }

  /**
   * What was kept.
   *
   * @param name all that it depends on, the circumstances apart
   */
  public Optional<byte[]> find(String name) {
    if (folder == null) {
      return Optional.empty();
    }
    byte[] key = key(name);
    Path file = file(key);
    byte[] kept = CodeCache.read(file);
    if (kept == null || kept.length < DIGEST || !Arrays.equals(key, Arrays.copyOf(kept, DIGEST))) {
      return Optional.empty();
    }
    used(file);
    return Optional.of(Arrays.copyOfRange(kept, DIGEST, kept.length));
  }

  /** Keeps something, in place of what was kept under the name before. */
  public void keep(String name, byte[] content) {
    if (folder == null || content.length > most) {
      return;
    }
    byte[] key = key(name);
    byte[] whole = Arrays.copyOf(key, DIGEST + content.length);
    System.arraycopy(content, 0, whole, DIGEST, content.length);
    CodeCache.write(file(key), whole);
    trim();
  }

  /** Forgets what was kept. */
  public void drop(String name) {
    if (folder == null) {
      return;
    }
    try {
      Files.deleteIfExists(file(key(name)));
    } catch (IOException e) {
      return; // what cannot be deleted is found, and found useless, again
    }
  }

  private byte[] key(String name) {
    MessageDigest digest = CodeCache.sha256();
    digest.update(circumstances.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
    return digest.digest(name.getBytes(StandardCharsets.UTF_8));
  }

  private Path file(byte[] key) {
    return folder.resolve(HexFormat.of().formatHex(key, 0, 16) + ENDING);
  }

  private static void used(Path file) {
    try {
      Instant now = Instant.now();
      if (Files.getLastModifiedTime(file).toInstant().isBefore(now.minus(DAY))) {
        Files.setLastModifiedTime(file, FileTime.from(now));
      }
    } catch (IOException e) {
      return; // it may be deleted earlier than others, no more
    }
  }

  /** A file that another process may change or delete at any time. */
  private record Kept(Path file, long bytes, FileTime used) {
    static Kept of(Path file) {
      try {
        return new Kept(file, Files.size(file), Files.getLastModifiedTime(file));
      } catch (IOException e) {
        return new Kept(file, 0, FileTime.fromMillis(0));
      }
    }
  }

  private void trim() {
    try (Stream<Path> files = Files.list(folder)) {
      List<Kept> all =
          files
              .filter(file -> file.toString().endsWith(ENDING))
              .map(Kept::of)
              .sorted(Comparator.comparing(Kept::used))
              .toList();
      long bytes = all.stream().mapToLong(Kept::bytes).sum();
      for (Kept kept : all) {
        if (bytes <= most) {
          return;
        }
        Files.deleteIfExists(kept.file);
        bytes -= kept.bytes;
      }
    } catch (IOException e) {
      return; // a folder that cannot be listed stays as it is
    }
  }
}
