package nacre.datasets.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.Share;
import nacre.neuralassets.data.StoredClips;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneWriter;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packs give the pairs of the data set that was packed. */
class PackTest {
  private static final int SIZE = 16;
  private static final int CLIPS = 7;

  @TempDir static Path shared;
  @TempDir Path folder;
  private static ClipSource source;

  @BeforeAll
  static void render() throws IOException {
    SceneConfig config = SceneConfig.demo().withObjects(2, 3);
    SceneGenerator generator = new SceneGenerator(config, 4);
    for (int i = 0; i < CLIPS; i++) {
      Scene scene = SceneRenderer.render(generator.describe(i), 24, 24, 1);
      SceneWriter.write(scene, Files.createDirectories(shared.resolve("scene_" + i)));
    }
    source = StoredClips.find(shared);
  }

  private static final DataConfig CONFIG =
      DataConfig.of(
          JsonNodeFactory.instance
              .objectNode()
              .put("slots", 3)
              .put("min_gap", 1)
              .put("max_gap", 11)
              .put("flip_probability", 0.5));

  private boolean pack(Path root, int clips, long shardBytes) throws IOException {
    int[] asked = {0};
    return new PackWriter(root, source, Share.WHOLE, SIZE, shardBytes, BadData.refused())
        .run(() -> asked[0]++ > clips, (done, total) -> assertEquals(CLIPS, total));
  }

  private ClipSource open(Path root) throws IOException {
    ClipLocation location = ClipLocation.parse(root.toString());
    assertEquals("packed", location.provider().name());
    return location.open(new ClipSourceProvider.Request(CONFIG, SIZE, 0));
  }

  private static List<PairBatch> batches(ClipSource clips) throws IOException {
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    PairSampler sampler =
        new PairSampler(new ClipPool(clips, CONFIG, SIZE), CONFIG, diffusion, 9, SIZE);
    return IntStream.range(0, 12).mapToObj(step -> sampler.batch(step, 4)).toList();
  }

  @Test
  void aPackGivesTheSamePairsToTheBit() throws IOException {
    assertTrue(pack(folder, 1000, 60_000));
    ClipSource packed = open(folder);
    assertEquals(CLIPS, packed.size());
    assertTrue(Files.exists(folder.resolve("clips-00001.zip"))); // several shards
    assertFalse(packed.scene(0).isDecoded());
    List<PairBatch> expected = batches(source);
    List<PairBatch> actual = batches(packed);
    for (int i = 0; i < expected.size(); i++) {
      PairBatch e = expected.get(i);
      PairBatch a = actual.get(i);
      assertArrayEquals(e.target(), a.target());
      assertArrayEquals(e.conditioning().source(), a.conditioning().source());
      assertArrayEquals(e.conditioning().boxes(), a.conditioning().boxes());
      assertArrayEquals(e.conditioning().poses(), a.conditioning().poses());
      assertArrayEquals(e.conditioning().backgroundPoses(), a.conditioning().backgroundPoses());
    }
    assertEquals("scene_3", packed.id(3));
    assertEquals(source.scene(3).names(), packed.scene(3).names());
    assertEquals(source.scene(3).up(), packed.scene(3).up());
    assertEquals(source.scene(3).frames().get(5).views(), packed.scene(3).frames().get(5).views());
  }

  @Test
  void packingThatIsStoppedGoesOn() throws IOException {
    Path parts = folder.resolve("parts");
    assertFalse(pack(parts, 3, 1 << 20));
    int first = open(parts).size();
    assertTrue(first > 0 && first < CLIPS, "" + first);
    Files.write(parts.resolve("clips-00001.zip"), new byte[5]); // killed while it was written
    assertTrue(pack(parts, 1000, 1 << 20));
    assertTrue(pack(parts, 1000, 1 << 20)); // nothing is left to do
    ClipSource packed = open(parts);
    assertEquals(
        IntStream.range(0, CLIPS).mapToObj(i -> "scene_" + i).toList(),
        IntStream.range(0, packed.size()).mapToObj(packed::id).toList());
    assertArrayEquals(batches(source).getLast().target(), batches(packed).getLast().target());
  }

  private void packPart(String name, Share share, int size) throws IOException {
    Path place = folder.resolve(name);
    new PackWriter(place, source, share, size, 1 << 20, BadData.refused())
        .run(() -> false, (done, total) -> assertEquals(share.of(source).size(), total));
  }

  private void assertRefused(String... words) {
    String message = assertThrows(IOException.class, () -> open(folder)).getMessage();
    for (String word : words) {
      assertTrue(message.contains(word), message);
    }
  }

  /** In the order of their shares, whatever the folders' names. */
  @Test
  void partsThatSeveralProcessesPackAreOnePack() throws IOException {
    packPart("10", new Share(2, 3), SIZE);
    packPart("9", new Share(1, 3), SIZE);
    assertRefused("part 1 of 3 is missing", "--share 1/3");
    packPart("part", new Share(0, 3), SIZE);
    ClipSource packed = open(folder);
    assertEquals(CLIPS, packed.size());
    for (int i = 0; i < CLIPS; i++) {
      assertEquals(source.id(i), packed.id(i));
    }
    assertArrayEquals(batches(source).getLast().target(), batches(packed).getLast().target());
    packPart("again", new Share(2, 3), SIZE);
    assertRefused("10 and ", "again: are both part 3 of 3");
  }

  @Test
  void partsOfAnotherPackAreNotMixedIn() throws IOException {
    packPart("part-0", new Share(0, 2), SIZE);
    packPart("part-1", new Share(1, 2), SIZE + 1);
    assertRefused("part-1: is not a part");
    packPart("part-0", new Share(0, 2), SIZE);
    IOException other =
        assertThrows(IOException.class, () -> packPart("part-0", new Share(0, 3), SIZE));
    assertTrue(other.getMessage().contains("part 1 of 2; give another"), other::getMessage);
  }

  @Test
  void anotherPackIsNotMixedIn() throws IOException {
    assertTrue(pack(folder, 1000, 1 << 20));
    IOException other =
        assertThrows(
            IOException.class,
            () ->
                new PackWriter(folder, source, Share.WHOLE, SIZE + 1, 1, BadData.refused())
                    .run(() -> false, (done, total) -> {}));
    assertTrue(
        other.getMessage().contains("at 16 pixels, part 1 of 1; give another --out"),
        other::getMessage);
  }

  @Test
  void damageIsNamedAndMayBeLeftOut() throws IOException {
    assertTrue(pack(folder, 1000, 1 << 20));
    Path shard = folder.resolve("clips-00000.zip");
    byte[] whole = Files.readAllBytes(shard);
    byte[] flipped = whole.clone();
    int png = new String(whole, StandardCharsets.ISO_8859_1).indexOf("000002/0004.png");
    flipped[png + 200] ^= 1;
    Files.write(shard, flipped);
    ClipSource packed = open(folder);
    UncheckedIOException e =
        assertThrows(UncheckedIOException.class, () -> packed.scene(2).frames().get(4).rgb());
    assertTrue(
        e.getMessage()
            .endsWith("clips-00000.zip:000002/0004.png: is damaged, its checksum is" + " another"),
        e::getMessage);
    List<String> told = new ArrayList<>();
    BadData bad = BadData.skipped(told::add);
    ClipPool pool = new ClipPool(packed, CONFIG, SIZE, 1 << 20, bad);
    PairSampler sampler =
        new PairSampler(pool, CONFIG, new PairSampler.Diffusion(0, 1000, 1), 1, SIZE);
    IntStream.range(0, 60).forEach(step -> sampler.batch(step, 4));
    assertEquals(List.of(e.getMessage()), told);
    Files.write(shard, Arrays.copyOf(whole, whole.length / 2));
    IOException cut = assertThrows(IOException.class, () -> open(folder).scene(0));
    assertTrue(cut.getMessage().contains("clips-00000.zip: cannot be read"), cut::getMessage);
    Files.delete(shard);
    IOException missing = assertThrows(IOException.class, () -> open(folder));
    assertTrue(missing.getMessage().contains("is missing"), missing::getMessage);
  }
}
