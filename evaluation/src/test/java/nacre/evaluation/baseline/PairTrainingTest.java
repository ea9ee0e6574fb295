package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import nacre.diffusion.text.ClipTokenizer;
import nacre.evaluation.threedit.EditPairBatches;
import nacre.evaluation.threedit.ObjectEdit;
import nacre.evaluation.threedit.ObjectWords;
import nacre.evaluation.threedit.ThreeDitPairs;
import nacre.evaluation.threedit.ThreeDitTrainer;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import nacre.nn.AdamW;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 3DIT on pairs as OBJect has them: clips of two frames, before and after an edit. */
class PairTrainingTest {
  private static final int SIZE = 16;
  private static final Box3 BOX =
      Box3.of(new RigidPose(Quaternion.IDENTITY, new Vec3(0, 0, 0.5)), new Vec3(0.5, 0.5, 0.5));

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static SceneView pair(Box3 after) {
    Scene scene =
        new Scene(
            SIZE,
            SIZE,
            Vec3.UNIT_Z,
            List.of(new Scene.Entity("edited", true)),
            List.of(frame(BOX, 40), frame(after, 90)));
    return new SceneView("pair", scene, Clip.of("pair", scene, SIZE, 4), 0, 1);
  }

  private static SceneFrame frame(Box3 box, int gray) {
    byte[] rgb = new byte[SIZE * SIZE * 3];
    Arrays.fill(rgb, (byte) gray);
    ObjectView view =
        box == null ? ObjectView.ABSENT : new ObjectView(box, box.extent(PaintedScene.FRONT), -1);
    return SceneFrame.of(PaintedScene.FRONT, List.of(view), rgb, null);
  }

  @Test
  void pairsOfEachTaskAreLearned() throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(Map.of());
    Box3 turned = BOX.rotated(Quaternion.about(Vec3.UNIT_Z, Math.toRadians(30)));
    ThreeDitPairs pairs =
        ThreeDitPairs.of(
            List.of(pair(turned), pair(BOX.translated(new Vec3(1, 0, 0))), pair(null)),
            List.of("rotate the lamp", "move the lamp", "remove the lamp"),
            tokenizer);
    assertEquals(3, pairs.count());
    assertEquals(40 / 255f, pairs.sources()[0]);
    assertEquals(90 / 255f, pairs.targets()[0]);
    float[] numbers = pairs.numbers();
    assertEquals(0.5, numbers[1], 1e-6); // sin 30°
    double u = PaintedScene.FRONT.project(new Vec3(1, 0, 0.5)).u();
    assertEquals(u, numbers[5], 1e-6);
    assertEquals(0, numbers[9]);
    assertEquals(3 * 77, pairs.ids().length);
    assertEquals(tokenizer.encode("move the lamp").ids()[1], pairs.ids()[78]);
    var settings = new ThreeDitTrainer.Settings(3, 1e-3, 10, 0, 0.05, 0, AdamW.Config.defaults());
    try (ThreeDitTrainer trainer =
        new ThreeDitTrainer(TinyThreeDit.config(), settings, Device.cpu(), 1)) {
      double loss = trainer.step(pairs);
      assertTrue(loss > 0.5 && loss < 3, "a loss of " + loss);
    }
  }

  private static ClipSource source(Box3... after) {
    return new ClipSource() {
      @Override
      public int size() {
        return after.length;
      }

      @Override
      public Scene scene(int index) {
        return pair(after[index]).scene();
      }

      @Override
      public String describe() {
        return "made-up pairs";
      }
    };
  }

  /** Pairs without an edit are passed over; a step has always the same. */
  @Test
  void batchesAreOfThePairsWithAnEdit() throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(Map.of());
    ClipSource some = source(BOX, BOX.translated(new Vec3(1, 0, 0)), null, BOX);
    EditPairBatches batches =
        new EditPairBatches(some, EditPairBatches.Words.NAMES, tokenizer, SIZE, 20);
    ThreeDitPairs pairs = batches.of(3);
    assertEquals(20, pairs.count());
    int move = tokenizer.encode("move the edited").ids()[1];
    int remove = tokenizer.encode("remove the edited").ids()[1];
    Set<Integer> verbs = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      verbs.add(pairs.ids()[77 * i + 1]);
    }
    assertEquals(Set.of(move, remove), verbs);
    assertArrayEquals(pairs.ids(), batches.of(3).ids());
    assertFalse(Arrays.equals(pairs.ids(), batches.of(4).ids()));
    EditPairBatches none =
        new EditPairBatches(source(BOX), EditPairBatches.Words.NAMES, tokenizer, SIZE, 2);
    IOException e = assertThrows(IOException.class, () -> none.of(0));
    assertTrue(e.getMessage().startsWith("made-up pairs: among 1000 clips too few"), e::getMessage);
  }

  /** Objects that are moved have their category, those that are removed their description. */
  @Test
  void sentencesAreThoseOfObject(@TempDir Path folder) throws IOException {
    Path words = Files.writeString(folder.resolve("w.json"), "{\"a1\": \"a blue crate\"}");
    ObjectWords read = ObjectWords.read(words);
    String clips = "../datasets/src/test/resources/nacre/datasets/object/data/";
    String pair = "/val/seen/0a1b2c";
    assertEquals(
        "rotate the crate",
        read.sentence(clips + "rotate" + pair, ObjectEdit.rotate("edited", 30)));
    assertEquals(
        "remove the a blue crate",
        read.sentence(clips + "remove" + pair, ObjectEdit.remove("edited")));
    Files.writeString(words, "{}");
    IOException e =
        assertThrows(
            IOException.class,
            () ->
                ObjectWords.read(words)
                    .sentence(clips + "remove" + pair, ObjectEdit.remove("edited")));
    assertTrue(e.getMessage().endsWith("its object \"a1\" is not in " + words), e::getMessage);
  }

  @Test
  void pairsWithoutAnEditAreRefused() throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(Map.of());
    assertThrows(
        IllegalArgumentException.class,
        () -> ThreeDitPairs.of(List.of(pair(BOX)), List.of("move the lamp"), tokenizer));
  }
}
