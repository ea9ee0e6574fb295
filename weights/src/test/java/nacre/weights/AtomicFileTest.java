package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path folder;

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static byte[] filled(int size, int value) {
    byte[] bytes = new byte[size];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  @Test
  void replacesTheOldContent() throws IOException {
    Path target = folder.resolve("a.bin");
    AtomicFile.write(target, out -> out.write(filled(100_000, 1)));
    AtomicFile.writeChannel(target, channel -> channel.write(ByteBuffer.wrap(filled(9, 2))));
    assertArrayEquals(filled(9, 2), Files.readAllBytes(target));
    assertEquals(List.of("a.bin"), names(folder));
  }

  @Test
  void theOldContentIsThereUntilTheNewIsComplete() throws IOException {
    Path target = folder.resolve("a.bin");
    Files.writeString(target, "old");
    AtomicFile.write(
        target,
        out -> {
          out.write(filled(1 << 20, 7));
          out.flush();
          assertEquals("old", Files.readString(target));
        });
    assertEquals(1 << 20, Files.size(target));
  }

  @Test
  void aFailingWriterLeavesTheOldContentAndNoTrace() throws IOException {
    Path target = folder.resolve("a.bin");
    Files.writeString(target, "old");
    IOException failure =
        assertThrows(
            IOException.class,
            () ->
                AtomicFile.write(
                    target,
                    out -> {
                      out.write(filled(1 << 20, 7));
                      throw new IOException("No space left on device");
                    }));
    assertEquals(
        "cannot write " + target + ": No space left on device; what was there before is unchanged",
        failure.getMessage());
    assertThrows(
        IllegalStateException.class,
        () ->
            AtomicFile.write(
                target,
                out -> {
                  throw new IllegalStateException("a bug in the writer");
                }));
    assertEquals("old", Files.readString(target));
    assertEquals(List.of("a.bin"), names(folder));
  }

  @Test
  void aMissingFolderIsNamed() {
    Path target = folder.resolve("missing").resolve("a.bin");
    IOException failure =
        assertThrows(IOException.class, () -> AtomicFile.write(target, out -> out.write(1)));
    assertTrue(failure.getMessage().startsWith("cannot write " + target), failure.getMessage());
    assertTrue(failure.getMessage().contains("does not exist"), failure.getMessage());
  }

  @Test
  void othersMayReadTheFile() throws IOException {
    assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("posix"));
    Path plain = Files.createFile(folder.resolve("plain"));
    Path target = folder.resolve("a.bin");
    AtomicFile.write(target, out -> out.write(1));
    assertEquals(
        Files.getPosixFilePermissions(plain).contains(PosixFilePermission.OTHERS_READ),
        Files.getPosixFilePermissions(target).contains(PosixFilePermission.OTHERS_READ));
  }

  @Test
  void aFolderAppearsWholeOrNotAtAll() throws IOException {
    Path target = folder.resolve("step-1");
    AtomicFolder.write(
        target,
        staged -> {
          Files.createDirectory(staged.resolve("unet"));
          Files.writeString(staged.resolve("unet").resolve("config.json"), "{}");
          assertFalse(Files.exists(target));
        });
    assertEquals("{}", Files.readString(target.resolve("unet").resolve("config.json")));
    assertThrows(FileAlreadyExistsException.class, () -> AtomicFolder.write(target, staged -> {}));

    Path second = folder.resolve("step-2");
    IOException failure =
        assertThrows(
            IOException.class,
            () ->
                AtomicFolder.write(
                    second,
                    staged -> {
                      Files.writeString(staged.resolve("half"), "half");
                      throw new IOException("No space left on device");
                    }));
    assertTrue(failure.getMessage().endsWith("nothing was left behind"), failure.getMessage());
    assertEquals(List.of("step-1"), names(folder));

    AtomicFolder.delete(target);
    AtomicFolder.delete(target);
    assertEquals(List.of(), names(folder));
  }

  @Test
  void sweepingTakesDeadWritersOnly() throws IOException {
    String dead = ".a.bin.4194305-0123abcd.partial"; // above Linux's largest process id
    String ours = ".a.bin." + ProcessHandle.current().pid() + "-0123abcd.partial";
    String parent =
        ".a.bin." + ProcessHandle.current().parent().orElseThrow().pid() + "-0123abcd.partial";
    Files.createDirectory(folder.resolve(dead));
    Files.writeString(folder.resolve(dead).resolve("half"), "half");
    Files.writeString(folder.resolve(ours), "from an earlier process with our id");
    Files.writeString(folder.resolve(parent), "being written");
    Files.writeString(folder.resolve(".config.partial"), "somebody else's");
    AtomicFile.write(
        folder.resolve("a.bin"),
        out -> {
          AtomicFile.removeLeftovers(folder);
          out.write(1);
        });
    assertEquals(List.of(parent, ".config.partial", "a.bin"), names(folder));
    AtomicFile.removeLeftovers(folder.resolve("missing"));
  }

  /** A real full disk, where the tests may mount one (as root on Linux). */
  @Test
  void aFullDiskLeavesTheOldContent() throws Exception {
    assumeTrue(System.getProperty("os.name").equals("Linux"));
    Path disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk.toString()) == 0);
    try {
      Path target = disk.resolve("a.bin");
      byte[] old = filled(100_000, 1);
      AtomicFile.write(target, out -> out.write(old));
      IOException failure =
          assertThrows(
              IOException.class,
              () -> AtomicFile.write(target, out -> out.write(filled(1 << 20, 2))));
      assertEquals(
          "cannot write "
              + target
              + ": No space left on device; what was there before is unchanged",
          failure.getMessage());
      assertArrayEquals(old, Files.readAllBytes(target));
      Path checkpoint = disk.resolve("step-1");
      assertThrows(
          IOException.class,
          () ->
              AtomicFolder.write(
                  checkpoint, staged -> Files.write(staged.resolve("model"), filled(1 << 20, 2))));
      assertEquals(List.of("a.bin"), names(disk));
      AtomicFile.write(target, out -> out.write(filled(100_000, 3)));
      assertArrayEquals(filled(100_000, 3), Files.readAllBytes(target));
    } finally {
      assertEquals(0, run("umount", disk.toString()));
    }
  }

  private static int run(String... command) throws Exception {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor();
    } catch (IOException noSuchProgram) {
      return -1;
    }
  }

  /** Kills a process that rewrites one file without end, and looks at what is left. */
  @Test
  void aKilledWriterLeavesAWholeFile() throws Exception {
    Path target = folder.resolve("a.bin");
    for (int round = 0; round < 5; round++) {
      Process writer =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  place(AtomicFile.class) + File.pathSeparator + place(Rewriter.class),
                  "-XX:TieredStopAtLevel=1",
                  Rewriter.class.getName(),
                  target.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8))) {
        assertEquals("writing", lines.readLine());
        TimeUnit.MILLISECONDS.sleep(3 + 17L * round);
      } finally {
        writer.destroyForcibly().waitFor();
      }
      byte[] bytes = Files.readAllBytes(target);
      assertEquals(Rewriter.SIZE, bytes.length);
      assertArrayEquals(filled(Rewriter.SIZE, bytes[0]), bytes);
    }
    AtomicFile.removeLeftovers(folder);
    assertEquals(List.of("a.bin"), names(folder));
  }

  private static Path place(Class<?> type) throws URISyntaxException {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  /** Writes a file full of ones, then one full of twos, and so on. */
  static final class Rewriter {
    static final int SIZE = 4 << 20;

    private Rewriter() {}

    public static void main(String[] arguments) throws IOException {
      Path target = Path.of(arguments[0]);
      for (int value = 1; ; value++) {
        byte[] bytes = filled(SIZE, value);
        AtomicFile.write(target, out -> out.write(bytes));
        if (value == 1) {
          System.out.println("writing");
        }
      }
    }
  }
}
