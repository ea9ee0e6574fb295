package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import nacre.neuralassets.model.Preset;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every file that a command reads, with a folder in its place, and with what is no text. */
class UnreadableFilesTest {
  private static final Path BUNDLE = Path.of("src/test/resources/bundles/silu");

  @TempDir static Path shared;
  private static Path run;
  private static Path scene;

  @TempDir Path folder;

  /** What a kind of file is called, and the command that reads one. */
  private record Reader(String name, Function<Path, List<Object>> command) {}

  @BeforeAll
  static void prepare() {
    run = shared.resolve("run");
    assertRuns(
        "train", "--preset", "tiny", "--steps", 1, "--eval-pairs", 0, "--no-sheet", "--out", run);
    assertRuns("data", "render", "--clips", 1, "--size", 16, "--out", shared.resolve("scenes"));
    scene = shared.resolve("scenes/scene_00000");
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static void assertRuns(Object... words) {
    CommandLineRun done = CommandLineRun.of(words);
    assertEquals(0, done.status(), done::err);
  }

  /** A copy of a folder in which one file is another. */
  private static Path copyWith(Path original, Path replaced, Path by, Path to) throws IOException {
    try (var files = Files.walk(original)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(original.relativize(file).toString());
        Path source = file.equals(original.resolve(replaced)) ? by : file;
        if (Files.isDirectory(source)) {
          Files.createDirectories(target);
        } else {
          Files.copy(source, target);
        }
      }
    }
    return to;
  }

  private Path model() throws IOException {
    return new RunFolder(run).newest().orElseThrow().model();
  }

  private List<Reader> readers(Path out) throws IOException {
    Path model = model();
    List<Reader> readers = new ArrayList<>();
    readers.add(new Reader("preset", f -> List.of("train", "--preset", f, "--out", out)));
    readers.add(
        new Reader(
            "edits",
            f -> List.of("sample", "--model", run, "--steps", 1, "--edits", f, "--out", out)));
    readers.add(
        new Reader(
            "scene.json",
            f -> List.of("data", "inspect", with(scene, "scene.json", f, out), "--out", out)));
    readers.add(
        new Reader(
            "frame_003.png",
            f -> List.of("data", "inspect", with(scene, "frame_003.png", f, out), "--out", out)));
    readers.add(new Reader("case.json", f -> List.of("verify", with(BUNDLE, "case.json", f, out))));
    readers.add(
        new Reader(
            "tensors.safetensors",
            f -> List.of("verify", with(BUNDLE, "tensors.safetensors", f, out))));
    for (String part : List.of("model_index.json", "preset.json")) {
      if (Files.exists(model.resolve(part))) {
        readers.add(new Reader(part, f -> List.of("eval", "--model", with(model, part, f, out))));
      }
    }
    readers.add(
        new Reader(
            "x.safetensors.index.json",
            f -> List.of("weights", "inspect", named(f, "x.safetensors.index.json", out))));
    return readers;
  }

  private static Path with(Path original, String replaced, Path by, Path out) {
    try {
      return copyWith(
          original, Path.of(replaced), by, out.resolveSibling("copy-" + out.getFileName()));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Path named(Path file, String name, Path out) {
    try {
      Path to = Files.createDirectories(out.resolveSibling("named-" + out.getFileName()));
      return Files.isDirectory(file)
          ? Files.createDirectory(to.resolve(name))
          : Files.copy(file, to.resolve(name));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @TestFactory
  List<DynamicTest> everyReaderNamesTheFile() throws IOException {
    Path directory = Files.createDirectory(folder.resolve("directory"));
    Path binary = Files.write(folder.resolve("binary"), new byte[] {'{', '"', -1, -2, 7, 0, 9});
    Path utf16 =
        Files.write(
            folder.resolve("utf16"), "\ufeff{\"a\": 1}".getBytes(StandardCharsets.UTF_16LE));
    Path empty = Files.createFile(folder.resolve("empty"));
    List<DynamicTest> tests = new ArrayList<>();
    for (Path wrong : List.of(directory, binary, utf16, empty)) {
      for (Reader reader : readers(folder.resolve("x"))) {
        String name = reader.name() + " is " + wrong.getFileName();
        Path out = folder.resolve(name.replaceAll("\\W", "-"));
        Function<Path, List<Object>> command =
            readers(out).stream()
                .filter(r -> r.name().equals(reader.name()))
                .findFirst()
                .orElseThrow()
                .command();
        tests.add(
            DynamicTest.dynamicTest(
                name,
                () -> {
                  CommandLineRun refused = CommandLineRun.of(command.apply(wrong).toArray());
                  String said = refused.err() + refused.out();
                  assertTrue(refused.status() == 1 || refused.status() == 2, said);
                  assertEquals(1, refused.complaints().size(), said);
                  boolean isNamed =
                      refused.err().contains(reader.name())
                          || refused.err().contains(wrong.getFileName().toString());
                  assertTrue(isNamed, said);
                  for (String jargon : List.of("Input length", "java.", "[Source", "--debug")) {
                    assertFalse(refused.err().contains(jargon), said);
                  }
                }));
      }
    }
    return tests;
  }

  /** As an editor on Windows saves them: a byte order mark, and lines that end with CR and LF. */
  @Test
  void textsOfWindowsAreRead() throws IOException {
    Path preset = windows("mine.json", Preset.builtin("tiny").json());
    assertRuns(
        "train",
        "--preset",
        preset,
        "--steps",
        1,
        "--eval-pairs",
        0,
        "--no-sheet",
        "--out",
        folder.resolve("run"));
    String name = shape();
    Path edits = windows("edits.json", "[\n \"remove %s\"\n]\n".formatted(name));
    assertRuns(
        "sample", "--model", run, "--steps", 1, "--edits", edits, "--out", folder.resolve("out"));
    Path json = windows("scene.json", Files.readString(scene.resolve("scene.json")));
    Path copy = copyWith(scene, Path.of("scene.json"), json, folder.resolve("scene"));
    assertRuns("data", "inspect", copy, "--out", folder.resolve("x.png"));
    Path description = windows("case.json", Files.readString(BUNDLE.resolve("case.json")));
    assertRuns("verify", copyWith(BUNDLE, Path.of("case.json"), description, folder.resolve("b")));
  }

  private Path windows(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), "\ufeff" + text.replace("\n", "\r\n"));
  }

  private static String shape() {
    CommandLineRun refused =
        CommandLineRun.of("sample", "--model", run, "--edit", "remove nothing", "--out", shared);
    return refused
        .out()
        .lines()
        .filter(l -> l.startsWith("scene "))
        .findFirst()
        .orElseThrow()
        .replaceFirst(".*: ", "")
        .split(", ")[0];
  }
}
