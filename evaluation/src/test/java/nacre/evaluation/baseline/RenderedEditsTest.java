package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.Rgb;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.GroundTruth;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.edit.ShowEdits;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Baselines on rendered scenes, where every edit has its true picture. */
class RenderedEditsTest {
  private static final int SIZE = 32;
  private static final int SCENES = 12;

  @ParameterizedTest
  @ValueSource(strings = {"translate", "rotate", "resize", "remove", "camera"})
  void chainedIsNearerToTheTruthThanCopying(String kind) throws IOException {
    double copied = 0;
    double chained = 0;
    for (int number = 0; number < SCENES; number++) {
      EditCase edit = edit(kind, number);
      if (kind.equals("rotate")
          && !edit.edits().getFirst().edited().orElseThrow().contains("box")) {
        continue; // the faces of a box around something round are not what turns
      }
      copied += error(edit, new Copy().draw(List.of(edit), 0, 0, () -> {}));
      chained += error(edit, new Chained().draw(List.of(edit), 0, 0, () -> {}));
    }
    assertTrue(chained < 0.6 * copied, chained / copied + " of the squared error");
  }

  private static EditCase edit(String kind, int number) {
    SceneDescription description = HeldOut.describe(SceneConfig.demo(), number);
    Scene scene = SceneRenderer.render(description, SIZE, SIZE, 3);
    Clip clip = Clip.of("scene " + number, scene, SIZE, 4);
    int last = scene.frames().size() - 1;
    SceneView view = new SceneView("scene", scene, clip, kind.equals("camera") ? 0 : last, last);
    String object = ShowEdits.clearest(view).orElseThrow();
    List<Edit> edits =
        switch (kind) {
          case "translate" -> List.of(ShowEdits.translate(view, object));
          case "rotate" -> List.of(new Edit.Rotate(object, 40, null));
          case "resize" -> List.of(new Edit.Resize(object, 1.4));
          case "remove" -> List.of(new Edit.Remove(object));
          default -> List.of();
        };
    byte[] truth = GroundTruth.render(description, last, edits, SIZE, SIZE, 3).rgb();
    return new EditCase("case", kind, view, edits, _ -> null, truth, new float[] {0, 0, 1, 1});
  }

  private static double error(EditCase edit, float[] drawn) {
    float[] truth = Rgb.floats(edit.truth());
    double sum = 0;
    for (int k = 0; k < truth.length; k++) {
      sum += (truth[k] - drawn[k]) * (truth[k] - drawn[k]) / truth.length;
    }
    return sum;
  }
}
