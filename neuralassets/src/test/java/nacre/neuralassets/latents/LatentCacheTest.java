package nacre.neuralassets.latents;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.EncodedFrames;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.data.SomeClips;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TinyLatent;
import nacre.neuralassets.training.Trainer;
import nacre.neuralassets.training.Validation;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Frames are encoded once: by a pass that may be stopped, in files that may be damaged. */
class LatentCacheTest {
  private static final long SEED = 7;
  private static final Preset PRESET = TinyLatent.preset();
  private static final int SIZE = PRESET.imageSize();

  /** Half of all pairs are mirrored. */
  private static final DataConfig DATA = data(0.5);

  private static final ClipSource CLIPS = clips(0, 1, 2);
  private static final int FRAMES = 3 * DATA.scene().frames();

  @TempDir Path root;

  private final List<String> notes = new ArrayList<>();
  private Trainer trainer;

  @BeforeEach
  void model() {
    trainer = new Trainer(PRESET, Device.cpu(), SEED);
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    trainer.close();
    assertEquals(0, Memory.liveTensors());
  }

  private static DataConfig data(double flips) {
    ObjectNode json = PRESET.data().orElseThrow().deepCopy();
    return DataConfig.of(json.put("flip_probability", flips).put("frames", 4).put("max_gap", 3));
  }

  private static ClipSource clips(Integer... indices) {
    return new SomeClips(new RenderedClips(DATA, 1, SIZE), List.of(indices));
  }

  private LatentCache open() throws IOException {
    return LatentCache.open(root, PRESET, trainer.parameters(), notes::add);
  }

  /** How many frames a pass encodes; it is stopped before it looks at frame {@code stop}. */
  private long fill(LatentCache cache, DataConfig data, int stop) throws IOException {
    AtomicInteger asked = new AtomicInteger();
    LatentPass pass = new LatentPass(cache, CLIPS, data, trainer.averaged());
    boolean done = pass.run(() -> asked.getAndIncrement() == stop, (at, total) -> {});
    assertEquals(stop < 0, done);
    return pass.encoded();
  }

  private long fill() throws IOException {
    try (LatentCache cache = open()) {
      return fill(cache, DATA, -1);
    }
  }

  private List<Path> shards() throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(MomentsShard::is).sorted().toList();
    }
  }

  private static PairSampler sampler(EncodedFrames encoded) throws IOException {
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    ClipPool pool = new ClipPool(CLIPS, DATA, SIZE);
    return new PairSampler(pool, DATA, diffusion, SEED, SIZE, encoded);
  }

  /** All numbers after some steps, and the loss on the clips. */
  private Map<String, float[]> trained(EncodedFrames encoded, boolean all) throws IOException {
    Map<String, float[]> bits = new TreeMap<>();
    try (Trainer fresh = new Trainer(PRESET, Device.cpu(), SEED)) {
      PairSampler pairs = sampler(encoded);
      int known = 0;
      for (int step = 0; step < 4; step++) {
        PairBatch batch = pairs.batch(step, 4);
        known += (int) Arrays.stream(batch.moments()).filter(m -> m != null).count();
        fresh.step(batch, 1e-3);
      }
      assertEquals(all, known == 16);
      for (Map.Entry<String, Tensor> entry : fresh.parameters().entrySet()) {
        bits.put(entry.getKey(), entry.getValue().toFloats());
      }
      double loss =
          new Validation(new ClipPool(CLIPS, DATA, SIZE), DATA, PRESET, 1000, encoded).loss(fresh);
      bits.put("validation", new float[] {(float) loss});
    }
    return bits;
  }

  private static void assertSame(Map<String, float[]> wanted, Map<String, float[]> got) {
    wanted.forEach((name, values) -> assertArrayEquals(values, got.get(name), name));
  }

  @Test
  void trainingFromTheCacheGivesTheSameBits() throws IOException {
    assertEquals(2 * FRAMES, fill()); // mirrored ones have their own entries
    Map<String, float[]> wanted = trained(EncodedFrames.NONE, false);
    try (LatentCache cache = open()) {
      assertEquals(2 * FRAMES, cache.frames());
      assertSame(wanted, trained(cache, true));
      // As well where it knows some of the frames only.
      int[] asked = new int[1];
      assertSame(wanted, trained(rgb -> asked[0]++ % 3 == 0 ? null : cache.moments(rgb), false));
      assertTrue(asked[0] > 16);
    }
    assertEquals(List.of(), notes);
  }

  @Test
  void aPassGoesOnWhereItWasStopped() throws IOException {
    int some = 5;
    try (LatentCache cache = open()) {
      assertEquals(some, fill(cache, DATA, some));
    }
    List<Path> first = shards();
    assertEquals(1, first.size());
    byte[] before = Files.readAllBytes(first.getFirst());
    assertEquals(2 * FRAMES - some, fill());
    assertArrayEquals(before, Files.readAllBytes(first.getFirst()));
    assertEquals(0, fill());
    assertEquals(List.of(), notes);
    try (LatentCache cache = open()) {
      assertSame(trained(EncodedFrames.NONE, false), trained(cache, true));
    }
  }

  /** A complete pass is not made again, unless frames are mirrored that were not. */
  @Test
  void aCompletePassIsNotMadeAgain() throws IOException {
    try (LatentCache cache = open()) {
      assertEquals(FRAMES, fill(cache, data(0), -1));
      assertEquals(FRAMES, fill(cache, DATA, -1));
      LatentPass again = new LatentPass(cache, CLIPS, DATA, trainer.averaged());
      assertTrue(
          again.run(
              () -> {
                throw new AssertionError("a frame was looked at");
              },
              (at, total) -> {}));
      assertEquals(0, again.looked());
    }
  }

  @Test
  void aDamagedShardIsFoundAndItsFramesAreEncodedAgain() throws IOException {
    try (LatentCache cache = open()) {
      fill(cache, DATA, 5);
    }
    fill();
    Map<String, float[]> wanted = trained(EncodedFrames.NONE, false);
    List<Path> shards = shards();
    assertEquals(2, shards.size());
    byte[] whole = Files.readAllBytes(shards.getFirst());
    byte[] flipped = whole.clone();
    flipped[whole.length - 7] ^= 1;
    byte[] header = whole.clone();
    header[20] ^= 1;
    for (byte[] damaged :
        List.of(flipped, header, Arrays.copyOf(whole, whole.length - 100), new byte[0])) {
      notes.clear();
      Path shard = shards.getFirst();
      Files.write(shard, damaged);
      try (LatentCache cache = open()) {
        assertEquals(1, notes.size(), notes::toString);
        String note = notes.getFirst();
        assertTrue(note.startsWith(shard.toString()) && note.lines().count() == 1, note);
        assertTrue(note.contains("encoded anew"), note);
        assertFalse(Files.exists(shard));
        long lost = 2 * FRAMES - cache.frames();
        assertTrue(lost > 0 && lost < 2 * FRAMES, "lost " + lost);
        assertEquals(lost, fill(cache, DATA, -1));
        assertSame(wanted, trained(cache, true));
      }
      assertArrayEquals(whole, Files.readAllBytes(shard)); // the same content, the same name
    }
  }

  /** What is not there is encoded as it comes, and a pass looks for it at the next start. */
  @Test
  void framesThatWereAddedAreNotMissed() throws IOException {
    fill();
    byte[] other = new byte[3 * SIZE * SIZE];
    try (LatentCache cache = open()) {
      assertNull(cache.moments(other));
      assertNull(cache.moments(other));
      assertEquals(1, notes.size(), notes::toString);
      LatentPass again = new LatentPass(cache, CLIPS, DATA, trainer.averaged());
      assertTrue(again.run(() -> false, (at, total) -> {}));
      assertEquals(2 * FRAMES, again.looked());
      assertEquals(0, again.encoded());
    }
  }

  /** What is trained does not count, what encodes does. */
  @Test
  void anotherAutoencoderHasItsOwnFolder() throws IOException {
    fill();
    Tensor neck = trainer.parameters().get("neck.weight");
    neck.copyFrom(new float[(int) neck.elements()]);
    Path first;
    try (LatentCache cache = open()) {
      assertEquals(2 * FRAMES, cache.frames());
      first = cache.folder();
    }
    Tensor weight = trainer.parameters().get("vae.encoder.conv_in.weight");
    float[] values = weight.toFloats();
    values[3] += 1e-3f;
    weight.copyFrom(values);
    try (LatentCache cache = open()) {
      assertNotEquals(first, cache.folder());
      assertEquals(0, cache.frames());
    }
  }

  /** The frames of a micro-batch are encoded together, and another number may have other bits. */
  @Test
  void anotherBatchHasItsOwnFolder() throws IOException {
    Preset halves = microBatches(2);
    assertEquals(FrameEncoder.batch(PRESET), 2 * FrameEncoder.batch(halves));
    try (LatentCache whole = open();
        LatentCache half = LatentCache.open(root, halves, trainer.parameters(), notes::add);
        LatentCache same = LatentCache.open(root, PRESET, trainer.parameters(), notes::add)) {
      assertNotEquals(whole.folder(), half.folder());
      assertEquals(whole.folder(), same.folder());
    }
  }

  private static Preset microBatches(int count) {
    String key = "\"training\": {\"gradient_accumulation_steps\": " + count + ",";
    return Preset.of("parts", PRESET.json().replace("\"training\": {", key));
  }

  /** The engine decides the bits, which of several devices of its kind does not. */
  @Test
  void anotherKindOfDeviceHasItsOwnFolder() throws IOException {
    Path first;
    try (LatentCache cache = open()) {
      first = cache.folder();
    }
    try (Trainer plain = new Trainer(PRESET, Device.reference(), SEED);
        LatentCache cache = LatentCache.open(root, PRESET, plain.parameters(), notes::add)) {
      assertNotEquals(first, cache.folder());
    }
    assertEquals("cuda, NVIDIA A100 (1)", LatentCache.engine("cuda:1, NVIDIA A100 (1)"));
    assertEquals("cpu: oneDNN, 2 threads", LatentCache.engine("cpu: oneDNN, 2 threads"));
  }

  @Test
  void endlessScenesAreRefused() throws IOException {
    try (LatentCache cache = open()) {
      NeuralAssets model = trainer.averaged();
      ClipSource endless = new RenderedClips(DATA, 1, SIZE);
      assertThrows(
          IllegalArgumentException.class, () -> new LatentPass(cache, endless, DATA, model));
    }
  }
}
