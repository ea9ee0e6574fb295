package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditParser;
import nacre.neuralassets.edit.EditRegion;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.edit.ShowEdits;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sample --keep-background}, {@code --images} and {@code --invert} of edited scenes. */
class KeepBackgroundTest {
  private static final int SOURCE = 5;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private Path model(Preset preset) throws IOException {
    Path run = folder.resolve("run-" + preset.name());
    if (!Files.exists(run)) {
      LatentModel.begin(run, preset, "", 2);
    }
    return run;
  }

  private CommandLineRun sample(Preset preset, Path out, Object... more) throws IOException {
    List<Object> words =
        new ArrayList<>(List.of("sample", "--model", model(preset), "--steps", 2, "--out", out));
    words.addAll(Arrays.asList(more));
    return CommandLineRun.of(words.toArray());
  }

  private static byte[] picture(Path out, String name) throws IOException {
    return PngFile.rgb(ImageIO.read(out.resolve(name).toFile()));
  }

  @Test
  void outsideTheEditedObjectsThePictureIsTheSource() throws IOException {
    for (Preset preset : List.of(Preset.builtin("tiny"), LatentModel.preset(64))) {
      SceneView view = new Scenes(preset).view("1").withFrames(SOURCE, SOURCE);
      String object = ShowEdits.clearest(view).orElseThrow();
      String other =
          view.scene().names().stream().filter(name -> !name.equals(object)).findFirst().get();
      String one = "translate " + object + " 0.3 0.2 0";
      String two = "rotate " + object + " 40; remove " + other;
      Path out = folder.resolve(preset.name());
      CommandLineRun run =
          sample(
              preset,
              out,
              "--scene-seed",
              1,
              "--source",
              SOURCE,
              "--keep-background",
              "--images",
              2,
              "--seed",
              7,
              "--edit",
              one,
              "--edit",
              two);
      assertEquals(0, run.status(), run::err);
      byte[] source = view.clip().rgb(SOURCE);
      for (int i = 0; i < 2; i++) {
        List<Edit> edits = EditParser.parse(i == 0 ? one : two);
        EditRegion region = EditRegion.of(view, edits, 0.15);
        byte[] first = picture(out, "edit-%d-7.png".formatted(i + 1));
        byte[] second = picture(out, "edit-%d-8.png".formatted(i + 1));
        int changed = 0;
        for (int k = 0; k < source.length; k++) {
          if (region.share()[k / 3] == 0) {
            assertEquals(source[k], first[k]);
            assertEquals(source[k], second[k]);
          }
          changed += source[k] != first[k] ? 1 : 0;
        }
        assertTrue(changed > 30, "changed " + changed);
        assertFalse(Arrays.equals(first, second));
      }
      // Without the option all is drawn anew.
      Path anew = folder.resolve("anew-" + preset.name());
      run = sample(preset, anew, "--scene-seed", 1, "--edit", one);
      assertEquals(0, run.status(), run::err);
      byte[] all = picture(anew, "edit-1-0.png");
      int same = 0;
      for (int k = 0; k < all.length; k++) {
        same += all[k] == source[k] ? 1 : 0;
      }
      assertTrue(same < all.length / 10, "same " + same);
    }
  }

  /** The sheet of every edit, and the turning object: all of them begin with the source. */
  @Test
  void everyEditMayKeepTheBackgroundAndBeginWithTheSourcesNoise() throws IOException {
    Path out = folder.resolve("out");
    CommandLineRun run =
        sample(LatentModel.preset(16), out, "--rows", 1, "--keep-background", "0.3", "--invert");
    assertEquals(0, run.status(), run::err);
    assertTrue(Files.exists(out.resolve("sheet.png")) && Files.exists(out.resolve("turn.gif")));
    byte[] kept = picture(out, "sheet.png");
    run = sample(LatentModel.preset(16), out, "--rows", 1, "--keep-background", "0.3");
    assertEquals(0, run.status(), run::err);
    byte[] random = picture(out, "sheet-2.png"); // the files differ by their texts anyway
    assertFalse(Arrays.equals(kept, random));
  }

  @Test
  void whatContradictsItselfIsRefused() throws IOException {
    Object[][] wrong = {
      {"--target", "--keep-background", "--source", 2, "--target", 4},
      {"an edit replaces it", "--keep-background", "--edit", "background 3"},
      {"goes without --images", "--invert", "--images", 2},
      {"must be a number from 0 to 10", "--keep-background", "11"},
    };
    for (Object[] each : wrong) {
      Path out = folder.resolve("out");
      CommandLineRun run =
          sample(Preset.builtin("tiny"), out, Arrays.copyOfRange(each, 1, each.length));
      assertEquals(2, run.status(), run::out);
      assertEquals(1, run.complaints().size(), run::err);
      assertTrue(run.err().contains(each[0].toString()), run::err);
      assertFalse(Files.exists(out));
    }
  }
}
