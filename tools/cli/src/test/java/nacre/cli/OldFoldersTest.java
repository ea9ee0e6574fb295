package nacre.cli;

import static nacre.cli.TinySample.difference;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Slice.slice;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.diffusion.LoadOptions;
import nacre.diffusion.StableDiffusion;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Device;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Folders of older versions, and with tokens of textual inversion: the pictures are diffusers'
 * (export_old_folders.py).
 */
class OldFoldersTest {
  private static final Path PICTURES = TinyModel.RESOURCES.resolve("old-folders");

  @TempDir Path folder;

  /** A variant of the tiny model, and how it was drawn with. */
  record Case(JsonNode json) {
    String text(String key) {
      return json.path(key).asText();
    }

    @Override
    public String toString() {
      return text("name");
    }
  }

  static List<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    new JsonMapper()
        .readTree(PICTURES.resolve("cases.json").toFile())
        .forEach(json -> cases.add(new Case(json)));
    assertEquals(22, cases.size());
    return cases;
  }

  private Path variant(Case wanted) throws IOException {
    TinyModel model = TinyModel.copyTo(folder.resolve("model"));
    for (Map.Entry<String, JsonNode> file : wanted.json.get("files").properties()) {
      model.patch(file.getKey(), file.getValue());
    }
    if (wanted.json.has("rows")) {
      int rows = wanted.json.get("rows").intValue();
      model.change(
          "text_encoder/model.safetensors",
          "token_embedding.weight",
          table -> concat(0, table, slice(table, 0, 100, rows)));
    }
    return model.root();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void areDrawnAsByDiffusers(Case wanted) throws IOException {
    List<Object> words =
        new ArrayList<>(
            List.of("sample", "--model", variant(wanted), "--out", folder.resolve("out")));
    for (String key : List.of("prompt", "scheduler", "steps", "guidance", "seed")) {
      if (wanted.json.has(key)) {
        words.addAll(List.of("--" + key, wanted.text(key)));
      }
    }
    words.addAll(List.of("--size", "48x32"));
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(0, run.status(), run::err);
    assertEquals(wanted.text("name").equals("old-blocks"), run.out().contains("not_known"));
    byte[] right = rgb(PICTURES.resolve(wanted.text("name") + ".png"));
    byte[] drawn = rgb(only(folder.resolve("out")));
    int largest = difference(right, drawn);
    assertTrue(largest <= 2, "differs by " + largest);
  }

  private static byte[] rgb(Path png) throws IOException {
    return PngFile.rgb(ImageIO.read(png.toFile()));
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> all = files.toList();
      assertEquals(1, all.size());
      return all.getFirst();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void haveTheSizeThatDiffusersTakes(Case wanted) throws IOException {
    try (var sd = StableDiffusion.open(variant(wanted), Device.cpu(), LoadOptions.DEFAULT)) {
      assertEquals(wanted.json.get("size").intValue(), sd.prompt("a fox").plan().width());
    }
  }
}
