package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.stream.IntStream;
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

/** Pairs of frames that are read from a data set one at a time. */
class StoredFramesTest {
  private static final int SIZE = 8;
  private static final int FRAMES = 5;
  private static final Camera CAMERA =
      new Camera(
          RigidPose.lookAt(new Vec3(0, -8, 3), Vec3.ZERO, new Vec3(0, 0, 1)),
          new Intrinsics(1, 1, 0.5, 0.5));

  /** Clips of one color a frame, whose object i has a box of a width that grows with i. */
  private static final class Boxes implements ClipSource {
    private final Set<String> read = new ConcurrentSkipListSet<>();
    private final int clips;
    private final int objects;
    private final String broken;

    /** Clips, of which the frame "CLIP/FRAME" cannot be read. */
    Boxes(int clips, int objects, String broken) {
      this.clips = clips;
      this.objects = objects;
      this.broken = broken;
    }

    @Override
    public int size() {
      return clips;
    }

    @Override
    public Scene scene(int index) throws IOException {
      if (broken.equals(name(index))) {
        throw new IOException(name(index) + ": no clip");
      }
      List<SceneFrame> frames = new ArrayList<>();
      for (int t = 0; t < FRAMES; t++) {
        String place = index + "/" + t;
        frames.add(frame(place, 10 * index + t, t));
      }
      List<Scene.Entity> entities =
          IntStream.range(0, objects).mapToObj(i -> new Scene.Entity("o" + i, true)).toList();
      return new Scene(SIZE, SIZE, new Vec3(0, 0, 1), entities, frames);
    }

    private SceneFrame frame(String place, int color, int t) {
      List<Box3> boxes = new ArrayList<>();
      for (int i = 0; i < objects; i++) {
        RigidPose pose = new RigidPose(RigidPose.IDENTITY.rotation(), new Vec3(i, t, 0));
        boxes.add(Box3.of(pose, new Vec3(1, 1, 1)));
      }
      return new SceneFrame.Stored(CAMERA, boxes) {
        @Override
        protected List<ObjectView> readViews() {
          List<ObjectView> views = new ArrayList<>();
          for (int i = 0; i < objects; i++) {
            // Object i covers i + 1 tenths of the image in frame 0, and half of that later.
            double width = (i + 1) / (t == 0 ? 10.0 : 20.0);
            views.add(new ObjectView(boxes.get(i), new Box2(0, 0, 1, width), 1));
          }
          return views;
        }

        @Override
        protected byte[] readRgb() throws IOException {
          if (place.equals(broken)) {
            throw new IOException(place + ": no picture");
          }
          read.add(place);
          byte[] rgb = new byte[3 * SIZE * SIZE];
          java.util.Arrays.fill(rgb, (byte) color);
          return rgb;
        }
      };
    }

    @Override
    public String describe() {
      return "boxes";
    }
  }

  private static DataConfig config(int slots, String... more) {
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    data.put("slots", slots).put("min_gap", 1).put("max_gap", 4).put("flip_probability", 0);
    for (int i = 0; i < more.length; i += 2) {
      data.put(more[i], Double.parseDouble(more[i + 1]));
    }
    return DataConfig.of(data);
  }

  private static PairSampler sampler(ClipSource source, DataConfig config, long room, BadData bad)
      throws IOException {
    ClipPool pool = new ClipPool(source, config, SIZE, room, bad);
    return new PairSampler(pool, config, new PairSampler.Diffusion(0, 1000, 1), 5, SIZE);
  }

  @Test
  void onlyTheFramesOfThePairsAreRead() throws IOException {
    Boxes source = new Boxes(50, 2, "");
    PairSampler sampler = sampler(source, config(2), 1 << 20, BadData.refused());
    assertEquals(Set.of(), source.read);
    Set<Integer> colors = new TreeSet<>();
    for (int step = 0; step < 3; step++) {
      PairBatch batch = sampler.batch(step, 2);
      for (float[] pictures : List.of(batch.target(), batch.conditioning().source())) {
        for (int i = 0; i < 2; i++) {
          colors.add(Math.round((pictures[i * 3 * SIZE * SIZE] + 1) * 127.5f));
        }
      }
    }
    Set<Integer> read = new TreeSet<>();
    for (String place : source.read) {
      String[] parts = place.split("/");
      read.add(10 * Integer.parseInt(parts[0]) + Integer.parseInt(parts[1]) & 0xff);
    }
    assertEquals(colors, read);
    assertTrue(read.size() <= 12 && read.size() > 6, read::toString);
  }

  @Test
  void pairsAreTheSameWhateverIsKeptAndWhoeverAsks() throws IOException {
    DataConfig config = config(2);
    PairSampler roomy = sampler(new Boxes(20, 2, ""), config, 1 << 24, BadData.refused());
    PairSampler narrow = sampler(new Boxes(20, 2, ""), config, 1, BadData.refused());
    List<PairBatch> expected = IntStream.range(0, 30).mapToObj(i -> roomy.batch(i, 3)).toList();
    List<PairBatch> actual =
        IntStream.range(0, 30).parallel().mapToObj(i -> narrow.batch(i, 3)).toList();
    for (int i = 0; i < 30; i++) {
      assertArrayEquals(expected.get(i).target(), actual.get(i).target());
      assertArrayEquals(
          expected.get(i).conditioning().poses(), actual.get(i).conditioning().poses());
    }
  }

  @Test
  void whatCannotBeReadEndsTheRunOrIsLeftOut() throws IOException {
    PairSampler strict = sampler(new Boxes(3, 2, "1/2"), config(2), 1 << 20, BadData.refused());
    UncheckedIOException refused =
        assertThrows(
            UncheckedIOException.class,
            () -> IntStream.range(0, 40).forEach(i -> strict.batch(i, 2)));
    assertEquals("1/2: no picture", refused.getMessage());
    for (String broken : List.of("1/2", "clip 1")) {
      List<String> told = new ArrayList<>();
      BadData bad = BadData.skipped(told::add);
      PairSampler lenient = sampler(new Boxes(3, 2, broken), config(2), 1 << 20, bad);
      PairBatch first = null;
      for (int step = 0; step < 40; step++) {
        PairBatch batch = lenient.batch(step, 2);
        first = first == null ? batch : first;
        for (int i = 0; i < 2; i++) {
          int color = Math.round((batch.target()[i * 3 * SIZE * SIZE] + 1) * 127.5f);
          assertFalse(broken.startsWith("clip") ? color / 10 == 1 : color == 12, "" + color);
        }
      }
      assertEquals(1, bad.count());
      assertEquals(
          List.of(broken.startsWith("clip") ? "clip 1: no clip" : "1/2: no picture"), told);
      assertArrayEquals(first.target(), lenient.batch(0, 2).target());
    }
    IOException none =
        assertThrows(
            IOException.class,
            () -> sampler(new Boxes(1, 2, "clip 0"), config(2), 1, BadData.skipped(s -> {})));
    assertEquals("boxes: none of its clips can be read", none.getMessage());
  }

  @Test
  void theLargestObjectsOfAPairHaveTheSlots() {
    Clip clip = clip(5);
    DataConfig two = config(2);
    assertArrayEquals(
        new int[] {-1, -1, -1, 1, 0}, FramePair.slots(clip, 1, 2, new int[] {1, 0}, two));
    assertArrayEquals(
        new int[] {2, 0, 1}, FramePair.slots(clip(3), 1, 2, new int[] {2, 0, 1}, config(3)));
    // A tenth, two and three tenths in frame 0, half of that in the others.
    DataConfig large = config(5, "min_object_area", "0.2");
    int[] order = {0, 1, 2, 3, 4};
    assertArrayEquals(new int[] {-1, 0, 1}, FramePair.slots(clip(3), 0, 1, order, large));
    assertArrayEquals(new int[] {-1, -1, -1}, FramePair.slots(clip(3), 1, 2, order, large));
  }

  @Test
  void pairsInWhichAllIsSmallAreDrawnAgain() throws IOException {
    Clip clip = clip(3);
    assertTrue(FramePair.isLarge(clip, 0, 1, config(3, "min_pair_area", "0.14")));
    assertFalse(FramePair.isLarge(clip, 0, 1, config(3, "min_pair_area", "0.16")));
    assertTrue(FramePair.isLarge(clip, 0, 0, config(3, "min_pair_area", "0.29")));
    assertTrue(FramePair.isLarge(clip, 1, 2, config(3)));
  }

  private static Clip clip(int objects) {
    try {
      return Clip.of("one", new Boxes(1, objects, "").scene(0), SIZE, Integer.MAX_VALUE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
