package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

/** The pairs on which runs are compared: always the same, of frames that differ clearly. */
class HeldOutTest {
  private static final int SIZE = 2;
  private static final int SLOTS = 3;
  private static final DataConfig CONFIG =
      DataConfig.of(
          JsonNodeFactory.instance
              .objectNode()
              .put("slots", SLOTS)
              .put("min_gap", 1)
              .put("max_gap", 11)
              .put("flip_probability", 0));

  /** Two objects, told apart by their boxes; frame t has the gray t. */
  private static Clip clip(int frames) {
    List<SceneFrame> all = new ArrayList<>();
    Camera camera =
        new Camera(
            RigidPose.lookAt(new Vec3(0, -9, 0), Vec3.ZERO, Vec3.UNIT_Z),
            new Intrinsics(1, 1, 0.5, 0.5));
    Box3 box = Box3.of(RigidPose.IDENTITY, new Vec3(1, 1, 1));
    for (int t = 0; t < frames; t++) {
      byte[] gray = new byte[SIZE * SIZE * 3];
      Arrays.fill(gray, (byte) t);
      all.add(
          SceneFrame.of(
              camera,
              List.of(
                  new ObjectView(box, new Box2(0, 0, 0.25, 1), -1),
                  new ObjectView(box, new Box2(0, 0, 0.5, 1), -1)),
              gray,
              null));
    }
    List<Scene.Entity> objects =
        List.of(new Scene.Entity("a", false), new Scene.Entity("b", false));
    Scene scene = new Scene(SIZE, SIZE, Vec3.UNIT_Z, objects, all);
    return Clip.of("clip", scene, SIZE, SLOTS);
  }

  /** Source and target of each pair. */
  private static List<int[]> frames(int frames, int count) {
    Clip clip = clip(frames);
    PairBatch pairs = HeldOut.pairs(_ -> clip, count, CONFIG);
    List<int[]> read = new ArrayList<>();
    int each = SIZE * SIZE * 3;
    for (int i = 0; i < count; i++) {
      read.add(
          new int[] {
            gray(pairs.conditioning().source()[i * each]), gray(pairs.target()[i * each])
          });
    }
    return read;
  }

  private static int gray(float value) {
    return Math.round((value + 1) * 127.5f);
  }

  @Test
  void framesAreAtLeastFourApartInBothDirectionsAndAnywhere() {
    Set<Integer> gaps = new HashSet<>();
    Set<Integer> firsts = new HashSet<>();
    int forward = 0;
    int count = 1000;
    for (int[] pair : frames(12, count)) {
      gaps.add(Math.abs(pair[1] - pair[0]));
      firsts.add(Math.min(pair[0], pair[1]));
      forward += pair[1] > pair[0] ? 1 : 0;
    }
    assertEquals(Set.of(4, 5, 6, 7, 8, 9, 10, 11), gaps);
    assertEquals(Set.of(0, 1, 2, 3, 4, 5, 6, 7), firsts);
    assertEquals(count / 2.0, forward, 4 * Math.sqrt(count) / 2);
  }

  @Test
  void shortClipsGiveWhatTheyHave() {
    for (int[] pair : frames(2, 20)) {
      assertEquals(1, Math.abs(pair[1] - pair[0]));
    }
    Set<Integer> gaps = new HashSet<>();
    frames(5, 20).forEach(pair -> gaps.add(Math.abs(pair[1] - pair[0])));
    assertEquals(Set.of(4), gaps);
  }

  /** Worked out from Philox's definition; runs of different days are compared on them. */
  @Test
  void thePairsAreAlwaysTheSame() {
    StringBuilder told = new StringBuilder();
    frames(12, 6).forEach(pair -> told.append(pair[0]).append('-').append(pair[1]).append(' '));
    assertEquals("7-3 0-4 5-0 1-8 0-10 4-0", told.toString().strip());
  }

  @Test
  void objectsTakeAnySlots() {
    Clip clip = clip(12);
    int count = 60;
    PairBatch pairs = HeldOut.pairs(_ -> clip, count, CONFIG);
    Set<String> orders = new HashSet<>();
    for (int i = 0; i < count; i++) {
      StringBuilder order = new StringBuilder();
      for (int slot = 0; slot < SLOTS; slot++) {
        float bottom = pairs.conditioning().boxes()[(i * SLOTS + slot) * Clip.BOX + 2];
        order.append(bottom == 0.25f ? "a" : bottom == 0.5f ? "b" : "-");
      }
      orders.add(order.toString());
    }
    assertEquals(Set.of("ab-", "a-b", "ba-", "b-a", "-ab", "-ba"), orders);
  }

  @Test
  void everySeedTrainsOnScenesOfItsOwn() {
    Set<Long> seeds = new HashSet<>();
    for (long seed = -3; seed <= 3; seed++) {
      seeds.add(HeldOut.trainingScenes(seed));
    }
    assertEquals(7, seeds.size());
    assertTrue(seeds.stream().allMatch(seed -> seed % 2 == 0), seeds::toString);
  }
}
