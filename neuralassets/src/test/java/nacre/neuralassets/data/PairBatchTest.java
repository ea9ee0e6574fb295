package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.PoseVector;
import org.junit.jupiter.api.Test;

/** Pairs lie in a batch each for itself, mirrored or not, dropped or not, in whatever slots. */
class PairBatchTest {
  private static final int SIZE = 16;
  private static final int FRAME = SIZE * SIZE * 3;
  private static final DataConfig CONFIG =
      DataConfig.of(Preset.builtin("tiny").data().orElseThrow());
  private static final int SLOTS = CONFIG.slots();
  private static final Clip CLIP =
      Clip.of("test", HeldOut.scene(CONFIG, 0, SIZE), SIZE, CONFIG.slots());
  private static final int[] ORDER = {2, 0, 1};

  private static FramePair pair(int source, int target, boolean mirrored, boolean dropped, int t) {
    return new FramePair(CLIP, source, target, ORDER, mirrored, dropped, t);
  }

  /** Each number of a frame as the model sees it, its columns reversed if it is mirrored. */
  private static float[] seen(byte[] rgb, boolean mirrored) {
    float[] seen = new float[FRAME];
    for (int i = 0; i < FRAME; i++) {
      int x = i / 3 % SIZE;
      int from = mirrored ? i + 3 * (SIZE - 1 - 2 * x) : i;
      seen[i] = (rgb[from] & 0xFF) / 127.5f - 1;
    }
    return seen;
  }

  private static float[] part(float[] all, int at, int length) {
    return Arrays.copyOfRange(all, at * length, (at + 1) * length);
  }

  private static float[] boxes(int frame, boolean mirrored) {
    float[] boxes = new float[SLOTS * Clip.BOX];
    for (int i = 0; i < CLIP.objects(); i++) {
      float[] box = part(CLIP.boxes(frame), i, Clip.BOX);
      if (mirrored && box[3] > box[1]) {
        box = new float[] {box[0], 1 - box[3], box[2], 1 - box[1]};
      }
      System.arraycopy(box, 0, boxes, ORDER[i] * Clip.BOX, Clip.BOX);
    }
    return boxes;
  }

  @Test
  void aMirroredPairIsMirroredWhereverItStandsAndItsNeighborsAreNot() {
    boolean[] mirrored = {false, true, false, true};
    List<FramePair> pairs = new ArrayList<>();
    for (int i = 0; i < mirrored.length; i++) {
      pairs.add(pair(i, 9 - i, mirrored[i], i == 2, 100 + i));
    }
    List<byte[]> asked = new ArrayList<>();
    PairBatch batch =
        PairBatch.of(
            pairs,
            SIZE,
            SLOTS,
            rgb -> {
              asked.add(rgb);
              return new float[] {asked.size()};
            });
    Conditioning conditioning = batch.conditioning();
    for (int i = 0; i < mirrored.length; i++) {
      float[] source = seen(CLIP.rgb(i), mirrored[i]);
      assertArrayEquals(source, part(conditioning.source(), i, FRAME), 1e-6f, "source " + i);
      float[] target = seen(CLIP.rgb(9 - i), mirrored[i]);
      assertArrayEquals(target, part(batch.target(), i, FRAME), 1e-6f, "target " + i);
      assertArrayEquals(target, seen(asked.get(i), false), 1e-6f, "encoded " + i);
      assertArrayEquals(new float[] {i + 1}, batch.moments()[i]);
      int length = SLOTS * Clip.BOX;
      assertArrayEquals(boxes(i, mirrored[i]), part(conditioning.boxes(), i, length), 1e-6f);
      assertArrayEquals(boxes(9 - i, mirrored[i]), part(batch.targetBoxes(), i, length), 1e-6f);
      for (int k = 0; k < CLIP.objects(); k++) {
        float[] own = part(CLIP.poses(9 - i), k, PoseVector.LENGTH);
        int at = i * SLOTS + ORDER[k];
        float[] packed = part(conditioning.poses(), at, PoseVector.LENGTH);
        assertEquals(!mirrored[i], Arrays.equals(own, packed), "pose " + i + " of " + k);
        // Its pose in the source is what it would be if that were the target.
        PairBatch still = PairBatch.of(List.of(pair(i, i, mirrored[i], false, 0)), SIZE, SLOTS);
        assertArrayEquals(
            part(still.conditioning().poses(), ORDER[k], PoseVector.LENGTH),
            part(conditioning.sourcePoses(), at, PoseVector.LENGTH));
      }
      float[] view = PoseVector.ofBackground(CLIP.camera(i), CLIP.camera(9 - i));
      float[] packed = part(conditioning.backgroundPoses(), i, PoseVector.LENGTH);
      for (int k = 0; k < PoseVector.LENGTH; k++) {
        boolean turned = mirrored[i] && List.of(1, 2, 3, 6, 9).contains(k);
        assertEquals(turned ? -view[k] : view[k], packed[k], 0, "background " + i + ", " + k);
      }
    }
    assertArrayEquals(new float[] {1, 1, 0, 1}, conditioning.keep());
    assertArrayEquals(new float[] {1, 1, 1, 1}, conditioning.keepSource());
    assertArrayEquals(new int[] {100, 101, 102, 103}, batch.timesteps());
  }

  @Test
  void momentsOfSourcesAreAskedForWhereTheyAreSeen() {
    List<FramePair> pairs = List.of(pair(0, 9, false, false, 0), pair(1, 8, true, false, 0));
    EncodedFrames red = rgb -> new float[] {rgb[0]};
    for (float[] moments : PairBatch.of(pairs, SIZE, SLOTS, red).sourceMoments()) {
      assertEquals(null, moments);
    }
    PairBatch seen = PairBatch.of(pairs, SIZE, SLOTS, red.withSources());
    assertArrayEquals(new float[] {CLIP.rgb(0)[0]}, seen.sourceMoments()[0]);
    assertArrayEquals(new float[] {CLIP.mirrored(1)[0]}, seen.sourceMoments()[1]);
    assertArrayEquals(new float[] {CLIP.mirrored(8)[0]}, seen.moments()[1]);
    assertArrayEquals(seen.sourceMoments()[1], seen.slice(1, 1).sourceMoments()[0]);
  }

  @Test
  void aSliceHasThePairsOfItsPlaces() {
    List<FramePair> pairs = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      pairs.add(pair(i, 11 - i, i % 2 == 1, i == 3, i));
    }
    PairBatch whole = PairBatch.of(pairs, SIZE, SLOTS, rgb -> new float[] {rgb[0]});
    for (int from = 0; from < 5; from++) {
      for (int count = 1; from + count <= 5; count++) {
        PairBatch part = whole.slice(from, count);
        List<FramePair> own = pairs.subList(from, from + count);
        PairBatch wanted = PairBatch.of(own, SIZE, SLOTS, rgb -> new float[] {rgb[0]});
        assertEquals(count, part.count());
        assertEquals(SIZE, part.size());
        assertEquals(SLOTS, part.slots());
        assertArrayEquals(wanted.target(), part.target());
        assertArrayEquals(wanted.targetBoxes(), part.targetBoxes());
        assertArrayEquals(wanted.timesteps(), part.timesteps());
        assertArrayEquals(wanted.moments(), part.moments());
        assertArrayEquals(wanted.conditioning().source(), part.conditioning().source());
        assertArrayEquals(wanted.conditioning().boxes(), part.conditioning().boxes());
        assertArrayEquals(wanted.conditioning().poses(), part.conditioning().poses());
        assertArrayEquals(
            wanted.conditioning().backgroundPoses(), part.conditioning().backgroundPoses());
        assertArrayEquals(wanted.conditioning().keep(), part.conditioning().keep());
        assertArrayEquals(wanted.conditioning().sourcePoses(), part.conditioning().sourcePoses());
        assertArrayEquals(wanted.conditioning().keepSource(), part.conditioning().keepSource());
      }
    }
    assertFalse(Arrays.equals(whole.slice(0, 1).target(), whole.slice(1, 1).target()));
  }
}
