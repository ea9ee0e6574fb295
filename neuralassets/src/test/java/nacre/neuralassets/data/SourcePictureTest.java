package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.PoseVector;
import org.junit.jupiter.api.Test;

/** Source masking and simulated object jittering, pixel by pixel. */
class SourcePictureTest {
  private static final int S = 4;

  /** A letter a pixel: s of the source, t of the target; gray is a dot. */
  private static String shown(Conditioning c) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < S * S; i++) {
      float red = c.source()[3 * i];
      text.append(red == 0 ? '.' : red == 1 ? 's' : red == -1 ? 't' : '?');
      text.append(i % S == S - 1 ? "\n" : "");
    }
    return text.toString();
  }

  private static float[] filled(float value) {
    float[] values = new float[S * S * 3];
    Arrays.fill(values, value);
    return values;
  }

  private static Conditioning conditioning(float... boxes) {
    int poses = boxes.length / Clip.BOX * PoseVector.LENGTH;
    return Conditioning.of(
        S,
        boxes.length / Clip.BOX,
        filled(1),
        boxes,
        new float[poses],
        new float[poses],
        new float[PoseVector.LENGTH]);
  }

  @Test
  void jitteredObjectsStandInTheTargetsPicture() {
    float[] boxes = {0, 0, 0.5f, 0.5f, 0, 0, 0, 0};
    Conditioning c = conditioning(boxes);
    float[] targetBoxes = {0.25f, 0.25f, 0.75f, 0.75f, 0.75f, 0.75f, 1, 1};
    new SourcePicture(c, 0).jitter(filled(-1), targetBoxes);
    assertEquals("sstt\nss.t\nt..t\nttt.\n", shown(c));
    assertArrayEquals(new float[] {0, 0, 0.5f, 0.5f, 0, 0, 0, 0}, c.boxes());
  }

  /** What another object's box shares with a hidden one stays. */
  @Test
  void hiddenObjectsAreGrayAndHaveNoBox() {
    Conditioning c = conditioning(0, 0, 0.5f, 0.5f, 0.25f, 0.25f, 1, 0.75f);
    new SourcePicture(c, 0).mask(new boolean[] {true, false}, false);
    assertEquals("..ss\n.sss\nssss\nssss\n", shown(c));
    assertArrayEquals(new float[] {0, 0, 0, 0, 0.25f, 0.25f, 1, 0.75f}, c.boxes());
  }

  @Test
  void onlyTheObjectsAreLeftOfAHiddenBackground() {
    Conditioning c = conditioning(0, 0, 0.5f, 1, 0.5f, 0, 1, 0.25f);
    new SourcePicture(c, 0).mask(new boolean[] {false, true}, true);
    assertEquals("ssss\nssss\n....\n....\n", shown(c));
    Conditioning nothing = conditioning(0, 0, 0.5f, 1, 0.5f, 0, 1, 0.25f);
    new SourcePicture(nothing, 0).mask(new boolean[] {true, true}, true);
    assertEquals("....\n....\n....\n....\n", shown(nothing));
  }

  private static DataConfig config(double masking, double jitter) {
    ObjectNode data = (ObjectNode) Preset.builtin("tiny").data().orElseThrow().deepCopy();
    return DataConfig.of(data.put("source_masking", masking).put("object_jitter", jitter));
  }

  private static PairBatch batch(DataConfig data, int count) throws IOException {
    ClipPool pool = new ClipPool(new RenderedClips(data, 4, 16), data, 16);
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    return new PairSampler(pool, data, diffusion, 4, 16).batch(0, count);
  }

  /** What is drawn besides is the same: clips, frames, slots, dropped conditionings, timesteps. */
  @Test
  void pairsAreTheSameButForTheirSources() throws IOException {
    PairBatch plain = batch(config(0, 0), 60);
    PairBatch changed = batch(config(0.5, 0.5), 60);
    assertArrayEquals(plain.target(), changed.target());
    assertArrayEquals(plain.timesteps(), changed.timesteps());
    assertArrayEquals(plain.conditioning().poses(), changed.conditioning().poses());
    assertArrayEquals(plain.conditioning().sourcePoses(), changed.conditioning().sourcePoses());
    assertArrayEquals(plain.conditioning().keep(), changed.conditioning().keep());
    assertArrayEquals(plain.conditioning().keepSource(), changed.conditioning().keepSource());
    PairBatch again = batch(config(0.5, 0.5), 60);
    assertArrayEquals(changed.conditioning().source(), again.conditioning().source());
    PairBatch whole = batch(config(0.5, 0.5).withWholeSources(), 60);
    assertArrayEquals(plain.conditioning().source(), whole.conditioning().source());
  }

  @Test
  void objectsAreHiddenAsOftenAsThePresetSays() throws IOException {
    int count = 400;
    PairBatch plain = batch(config(0, 0), count);
    PairBatch masked = batch(config(0.5, 0), count);
    int hidden = 0;
    int shown = 0;
    for (int at = 0; at < plain.conditioning().boxes().length; at += Clip.BOX) {
      boolean was = plain.conditioning().boxes()[at + 2] > 0;
      shown += was ? 1 : 0;
      hidden += was && masked.conditioning().boxes()[at + 2] == 0 ? 1 : 0;
    }
    // Pairs, not objects, are independent.
    assertEquals(0.25, hidden / (double) shown, 4 * Math.sqrt(0.25 * 0.75 / count));
    assertArrayEquals(plain.targetBoxes(), masked.targetBoxes());
    assertArrayEquals(
        plain.conditioning().backgroundPoses(), masked.conditioning().backgroundPoses());
  }

  /**
   * Outside of all boxes a simulated source is the target, within its own the source, and the
   * camera stands still; where it does so anyway, the source is what it was.
   */
  @Test
  void onlyObjectsMoveInJitteredPairs() throws IOException {
    int count = 100;
    PairBatch plain = batch(config(0, 0), count);
    PairBatch jittered = batch(config(0, 1), count);
    float[] identity = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
    int simulated = 0;
    for (int i = 0; i < count; i++) {
      float[] camera = camera(plain, i);
      double way = 0;
      for (int k = 0; k < camera.length; k++) {
        way = Math.max(way, Math.abs(camera[k] - identity[k]));
      }
      boolean moves = way > 1e-6;
      simulated += moves ? 1 : 0;
      assertArrayEquals(identity, camera(jittered, i), 1e-6f);
      boolean[] own = BoxMask.of(plain.conditioning().boxes(), 12 * i, 3, 16);
      boolean[] target = plain.targetMask(i);
      for (int p = 0; p < 256; p++) {
        int at = (256 * i + p) * 3;
        float source = plain.conditioning().source()[at];
        float wanted = own[p] || !moves ? source : target[p] ? 0 : plain.target()[at];
        assertEquals(wanted, jittered.conditioning().source()[at], 0, "pair " + i + ", " + p);
      }
    }
    assertTrue(simulated > 50 && simulated < count, "simulated: " + simulated);
    assertArrayEquals(plain.conditioning().boxes(), jittered.conditioning().boxes());
  }

  private static float[] camera(PairBatch batch, int i) {
    return Arrays.copyOfRange(batch.conditioning().backgroundPoses(), 12 * i, 12 * i + 12);
  }

  @Test
  void momentsAreOfWholeSourcesOnly() {
    Clip clip = Clip.of("test", HeldOut.scene(config(0, 0), 0, 16), 16, 3);
    int[] slots = {0, 1, 2};
    SourceUse[] uses = {
      SourceUse.PLAIN,
      SourceUse.of(true),
      new SourceUse(false, true, new boolean[0], false),
      new SourceUse(false, false, new boolean[3], true)
    };
    List<FramePair> pairs =
        Arrays.stream(uses)
            .map(use -> new FramePair(clip, 0, 9, slots, false, false, 0, use))
            .toList();
    EncodedFrames known = rgb -> new float[] {1};
    float[][] moments = PairBatch.of(pairs, 16, 3, known.withSources()).sourceMoments();
    for (int i = 0; i < uses.length; i++) {
      assertEquals(i < 2, moments[i] != null);
    }
  }
}
