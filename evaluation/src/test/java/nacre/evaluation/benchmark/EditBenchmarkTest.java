package nacre.evaluation.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import nacre.evaluation.EditCase;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

class EditBenchmarkTest {
  private static final List<EditCase> CASES = EditBenchmark.cases(64, 4, 2);

  /** Everybody measures on these; whatever changes them makes results incomparable. */
  @Test
  void theCasesNeverChange() {
    assertEquals(
        "54970f7dd4241d002a7accc4ef60914bd0c3f1ea618ad2221319ce62b72e1ee1",
        EditBenchmark.digest(CASES));
    assertEquals(
        "d25deeba1e8b8585c508be2b607e091968687198824afb4b9a599807e0fb372e",
        EditBenchmark.digest(EditBenchmark.cases(16, 3, 1)));
  }

  @Test
  void kindsShareTheCasesEvenly() {
    assertEquals(300, CASES.size());
    Map<String, Long> counts =
        CASES.stream().collect(Collectors.groupingBy(EditCase::kind, Collectors.counting()));
    assertEquals(7, counts.size());
    assertEquals(Set.of(42L, 43L), new HashSet<>(counts.values()));
    assertEquals(300, CASES.stream().map(EditCase::id).distinct().count());
  }

  @Test
  void scenesAreTheDemos() {
    DataConfig demo = DataConfig.of(Preset.builtin("demo").data().orElseThrow());
    assertEquals(demo.scene(), SceneConfig.demo());
  }

  /** What every method is told of the boxes is what the true picture shows. */
  @Test
  void modelsHaveRoomForWhatIsEdited() throws IOException {
    for (EditCase one : EditBenchmark.cases(16, 3, 1)) {
      EditedScene edited = one.edited();
      for (Edit edit : one.edits()) {
        if (edit.edited().isPresent()) {
          int index = one.view().scene().indexOf(edit.edited().get());
          assertTrue(one.view().clip().sceneIndices().contains(index), one.id());
        }
        if (edit instanceof Edit.Replace(String _, Edit.Donor donor)) {
          var lender = one.library().view(donor.scene());
          int index = lender.scene().indexOf(donor.object());
          assertTrue(lender.clip().sceneIndices().contains(index), one.id());
        }
      }
      for (EditedScene.Slot slot : edited.slots()) {
        if (slot.isPresent()) {
          assertTrue(slot.box().minDepth(edited.camera()) > 0, one.id());
        }
      }
    }
  }

  @Test
  void boxesHoldWhatIsEdited() {
    for (EditCase one : CASES) {
      assertTrue(one.boxes().length >= 4, one.id());
      for (int k = 0; k < one.boxes().length; k += 4) {
        float[] b = one.boxes();
        assertTrue(b[k + 2] > b[k] && b[k + 3] > b[k + 1], one.id());
      }
      if (one.kind().equals("background")) {
        assertEquals(
            List.of(0f, 0f, 1f, 1f),
            List.of(one.boxes()[0], one.boxes()[1], one.boxes()[2], one.boxes()[3]));
      }
    }
  }

  /** The pixels outside of the boxes change by shadows only, but for the background. */
  @Test
  void whatChangesMostLiesInTheBoxes() {
    for (EditCase one : CASES) {
      byte[] before = one.view().clip().rgb(0);
      double inside = 0;
      double outside = 0;
      for (int pixel = 0; pixel < 64 * 64; pixel++) {
        double change = 0;
        for (int c = 0; c < 3; c++) {
          change += Math.abs((before[3 * pixel + c] & 0xFF) - (one.truth()[3 * pixel + c] & 0xFF));
        }
        if (isInside(one.boxes(), pixel % 64, pixel / 64)) {
          inside += change;
        } else {
          outside += change;
        }
      }
      assertTrue(inside > outside, one.id() + ": " + inside + " inside, " + outside + " outside");
    }
  }

  private static boolean isInside(float[] boxes, int x, int y) {
    for (int k = 0; k < boxes.length; k += 4) {
      if (y >= 64 * boxes[k]
          && x >= 64 * boxes[k + 1]
          && y < 64 * boxes[k + 2]
          && x < 64 * boxes[k + 3]) {
        return true;
      }
    }
    return false;
  }

  /** Edited objects keep clear of the others. */
  @Test
  void objectsDoNotCollide() {
    for (EditCase one : CASES) {
      List<EditedScene.Slot> slots =
          one.edited().slots().stream().filter(EditedScene.Slot::isPresent).toList();
      for (int i = 0; i < slots.size(); i++) {
        for (int j = 0; j < i; j++) {
          assertTrue(distance(slots.get(i).box(), slots.get(j).box()) > 0.5, one.id());
        }
      }
    }
  }

  private static double distance(Box3 one, Box3 other) {
    Vec3 way = one.center().minus(other.center());
    return Math.hypot(way.x(), way.y());
  }

  @Test
  void whatIsNotThereIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> EditBenchmark.cases(301, 16, 3, 1));
    assertThrows(IllegalArgumentException.class, () -> EditBenchmark.cases(16, 2, 1));
    assertThrows(EditException.class, () -> CASES.getFirst().library().view("3"));
  }
}
