package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

/** Which frames of which clips are drawn, of clips whose frames can be told apart. */
class PairDrawsTest {
  private static final int SIZE = 2;
  private static final int FRAMES = 12;
  private static final int CLIPS = 3;
  private static final int PAIRS = 1200;

  /** Clips whose object moves all the time; frame t of clip i has the gray 16 i + t. */
  private record Grays() implements ClipSource {
    @Override
    public int size() {
      return CLIPS;
    }

    @Override
    public Scene scene(int index) {
      List<SceneFrame> frames = new ArrayList<>();
      Camera camera =
          new Camera(
              RigidPose.lookAt(new Vec3(0, -9, 0), Vec3.ZERO, Vec3.UNIT_Z),
              new Intrinsics(1, 1, 0.5, 0.5));
      for (int t = 0; t < FRAMES; t++) {
        byte[] gray = new byte[SIZE * SIZE * 3];
        Arrays.fill(gray, (byte) (16 * index + t));
        RigidPose place = new RigidPose(Quaternion.IDENTITY, new Vec3(0.1 * t, 0, 0));
        Box3 box = Box3.of(place, new Vec3(1, 1, 1));
        ObjectView view = new ObjectView(box, new Box2(0, 0, 0.5, 0.5), -1);
        frames.add(SceneFrame.of(camera, List.of(view), gray, null));
      }
      List<Scene.Entity> entities = List.of(new Scene.Entity("a", true));
      return new Scene(SIZE, SIZE, Vec3.UNIT_Z, entities, frames);
    }

    @Override
    public String describe() {
      return "grays";
    }
  }

  private static PairSampler sampler(int minGap, int maxGap, double flips) throws IOException {
    ObjectNode json = Preset.builtin("tiny").data().orElseThrow().deepCopy();
    json.put("min_gap", minGap).put("max_gap", maxGap).put("flip_probability", flips);
    DataConfig config = DataConfig.of(json);
    ClipPool pool = new ClipPool(new Grays(), config, SIZE);
    return new PairSampler(pool, config, new PairSampler.Diffusion(0.1, 1000, 1), 5, SIZE);
  }

  private static int gray(float[] frames, int at) {
    return Math.round((frames[at * SIZE * SIZE * 3] + 1) * 127.5f);
  }

  @Test
  void everyClipAndEveryGapIsDrawnInBothDirectionsFromAnywhere() throws IOException {
    PairBatch batch = sampler(2, 7, 0).batch(0, PAIRS);
    Set<Integer> clips = new HashSet<>();
    Set<Integer> gaps = new HashSet<>();
    Set<Integer> firsts = new HashSet<>();
    int forward = 0;
    for (int i = 0; i < PAIRS; i++) {
      int source = gray(batch.conditioning().source(), i);
      int target = gray(batch.target(), i);
      assertEquals(source / 16, target / 16, "both frames are of one clip");
      clips.add(source / 16);
      gaps.add(Math.abs(target - source));
      firsts.add(Math.min(source, target) % 16);
      forward += target > source ? 1 : 0;
    }
    assertEquals(Set.of(0, 1, 2), clips);
    assertEquals(Set.of(2, 3, 4, 5, 6, 7), gaps);
    assertEquals(Set.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), firsts);
    assertEquals(PAIRS / 2.0, forward, 2 * Math.sqrt(PAIRS));
  }

  @Test
  void gapsEndWhereTheClipDoes() throws IOException {
    for (int[] range : new int[][] {{11, 11}, {20, 30}}) {
      PairBatch batch = sampler(range[0], range[1], 0).batch(0, 20);
      for (int i = 0; i < 20; i++) {
        int source = gray(batch.conditioning().source(), i) % 16;
        assertEquals(FRAMES - 1, Math.abs(source - gray(batch.target(), i) % 16));
      }
    }
  }

  @Test
  void asManyAreMirroredAsTheConfigurationSays() throws IOException {
    PairBatch batch = sampler(2, 7, 0.25).batch(0, PAIRS);
    int mirrored = 0;
    for (int i = 0; i < PAIRS; i++) {
      for (int slot = 0; slot < batch.slots(); slot++) {
        int at = (i * batch.slots() + slot) * Clip.BOX;
        boolean there = batch.targetBoxes()[at + 2] > 0;
        mirrored += there && batch.targetBoxes()[at + 1] == 0.5f ? 1 : 0;
      }
    }
    assertEquals(0.25 * PAIRS, mirrored, 4 * Math.sqrt(PAIRS * 0.25 * 0.75));
  }

  /** A pair is drawn by its number in the run, so that steps of half the size draw the same. */
  @Test
  void pairsAreNumberedThroughTheRun() throws IOException {
    PairSampler sampler = sampler(2, 7, 0.25);
    PairBatch whole = sampler.batch(3, 8);
    for (int half = 0; half < 2; half++) {
      PairBatch part = sampler.batch(6 + half, 4);
      PairBatch wanted = whole.slice(4 * half, 4);
      assertArrayEquals(wanted.target(), part.target());
      assertArrayEquals(wanted.conditioning().source(), part.conditioning().source());
      assertArrayEquals(wanted.targetBoxes(), part.targetBoxes());
      assertArrayEquals(wanted.timesteps(), part.timesteps());
    }
    PairBatch next = sampler.batch(4, 8);
    assertFalse(Arrays.equals(whole.timesteps(), next.timesteps()));
    assertTrue(Arrays.stream(next.timesteps()).distinct().count() > 4);
  }
}
