package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;
import org.junit.jupiter.api.Test;

/** What is held out, and what is kept in memory, of a finite data set. */
class ClipSplitTest {
  private static final int SIZE = 8;

  /** Rendered clips by names; counts how often each is read, and fails for one called "broken". */
  private record Named(List<String> names, List<String> read) implements ClipSource {
    @Override
    public int size() {
      return names.size();
    }

    @Override
    public Scene scene(int index) throws IOException {
      read.add(names.get(index));
      if (names.get(index).equals("broken")) {
        throw new IOException("broken: cannot be read");
      }
      var generator = new SceneGenerator(config(0).scene(), names.get(index).hashCode());
      return SceneRenderer.render(generator.describe(0), SIZE, SIZE, 1);
    }

    @Override
    public String name(int index) {
      return "/somewhere/" + names.get(index);
    }

    @Override
    public String id(int index) {
      return names.get(index);
    }

    @Override
    public String describe() {
      return "named";
    }
  }

  private static DataConfig config(double validation) {
    ObjectNode data = (ObjectNode) Preset.builtin("tiny").data().orElseThrow();
    return DataConfig.of(data.put("validation", validation));
  }

  private static Named clips(int from, int to) {
    return new Named(
        IntStream.range(from, to).mapToObj(i -> "clip" + i).toList(), new ArrayList<>());
  }

  private static Set<String> held(ClipSource clips, double validation, String... before)
      throws IOException {
    ClipSplit split = ClipSplit.of(clips, config(validation), List.of(before));
    Set<String> held = new HashSet<>(split.heldOut().ids());
    Set<String> rest = new HashSet<>(((SomeClips) split.training()).ids());
    assertEquals(clips.size(), held.size() + rest.size());
    assertTrue(rest.stream().noneMatch(held::contains)); // a clip is on one side
    return held;
  }

  @Test
  void dataSetsAreDescribedInOneLine() throws IOException {
    assertEquals(
        "1 clip, 12 frames, of named", new ClipPool(clips(0, 1), config(0), SIZE).describe());
    assertEquals(
        "2 clips, 24 frames, of named", new ClipPool(clips(0, 2), config(0), SIZE).describe());
    String partly = new ClipPool(clips(0, 4), config(0), SIZE, 5000, BadData.refused()).describe();
    assertEquals(
        "4 clips of named; 2 of them are kept in memory (0 MB), the others are read when drawn",
        partly);
  }

  @Test
  void whatIsHeldOutIsDescribedInOneLine() throws IOException {
    assertEquals("3 held out (data.validation 3): clip0, clip1, clip3", held(5, 3));
    assertTrue(
        held(20, 10)
            .matches("10 held out \\(data.validation 10\\): (clip\\d+, ){7}clip\\d+ and 2 more"));
    assertEquals("none held out; data.validation of the preset says how many are", held(4, 0));
    assertEquals(
        "none held out: no clip falls into the share of 1.0E-4; data.validation may be a number",
        held(4, 1e-4));
  }

  private static String held(int clips, double validation) throws IOException {
    DataConfig config = config(validation);
    return ClipSplit.of(clips(0, clips), config, List.of()).describe(config);
  }

  @Test
  void aShareIsThatShareAndClipsThatAreAddedMoveNoOther() throws IOException {
    Set<String> few = held(clips(0, 1000), 0.1);
    assertEquals(100, few.size(), 4 * Math.sqrt(1000 * 0.1 * 0.9));
    Set<String> many = held(clips(0, 1500), 0.1);
    assertTrue(many.containsAll(few) && many.size() > few.size());
    for (String added : many) {
      assertTrue(few.contains(added) || Integer.parseInt(added.substring(4)) >= 1000, added);
    }
    assertTrue(held(clips(0, 1000), 0.2).containsAll(few)); // a larger share holds the smaller
    assertEquals(Set.of(), held(clips(0, 1000), 0));
  }

  @Test
  void aNumberIsThatNumberAndARunKeepsItsOwn() throws IOException {
    Set<String> five = held(clips(0, 20), 5);
    assertEquals(5, five.size());
    assertEquals(five, held(clips(0, 2000), 5, five.toArray(String[]::new)));
    assertTrue(five.stream().anyMatch(clip -> !clip.matches("clip[0-4]"))); // not the first ones
    IOException e = assertThrows(IOException.class, () -> held(clips(0, 5), 5));
    assertTrue(e.getMessage().contains("leaves none of the 5 clips to train on"), e::getMessage);
  }

  @Test
  void onlyTheTrainingSideIsDrawnFrom() throws IOException {
    Named clips = clips(0, 12);
    DataConfig config = config(4);
    ClipSplit split = ClipSplit.of(clips, config, List.of());
    var diffusion = new PairSampler.Diffusion(0, 10, 1);
    ClipPool pool = new ClipPool(split.training(), config, SIZE);
    PairSampler sampler = new PairSampler(pool, config, diffusion, 0, SIZE);
    for (int step = 0; step < 50; step++) {
      sampler.batch(step, 4);
    }
    Set<String> read = new HashSet<>(clips.read());
    assertEquals(8, read.size());
    assertTrue(split.heldOut().ids().stream().noneMatch(read::contains));
  }

  @Test
  void anEndlessSourceIsNotDivided() throws IOException {
    DataConfig config = config(0.5);
    ClipSource endless = new RenderedClips(config, 0, SIZE);
    ClipSplit split = ClipSplit.of(endless, config, List.of());
    assertEquals(endless, split.training());
    assertEquals(0, split.heldOut().size());
  }

  @Test
  void aDataSetLargerThanItsRoomIsReadWhenDrawnAndGivesTheSamePairs() throws IOException {
    DataConfig config = config(0);
    Named all = clips(0, 10);
    Named some = clips(0, 10);
    long clip = 3L * SIZE * SIZE * config.scene().frames();
    ClipPool whole = new ClipPool(all, config, SIZE, 10 * clip, BadData.refused());
    ClipPool part = new ClipPool(some, config, SIZE, 4 * clip + 1, BadData.refused());
    assertEquals(10, whole.available(0));
    assertEquals(10, part.available(0));
    assertEquals(10, all.read().size());
    assertEquals(5, some.read().size()); // four are kept, the fifth showed that there is no room
    assertTrue(part.describe().contains("10 clips of named; 4 of them"), part::describe);
    assertTrue(whole.describe().startsWith("10 clips, 120 frames"), whole::describe);
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    PairSampler one = new PairSampler(whole, config, diffusion, 3, SIZE);
    PairSampler other = new PairSampler(part, config, diffusion, 3, SIZE);
    for (int step = 0; step < 8; step++) {
      PairBatch expected = one.batch(step, 4);
      PairBatch actual = other.batch(step, 4);
      org.junit.jupiter.api.Assertions.assertArrayEquals(expected.target(), actual.target());
    }
    assertEquals(10, all.read().size());
    assertTrue(some.read().size() > 10);
  }

  @Test
  void aClipThatCannotBeReadLaterIsNamed() throws IOException {
    Named clips = new Named(List.of("fine", "broken"), new ArrayList<>());
    DataConfig config = config(0);
    IOException atOnce =
        assertThrows(
            IOException.class, () -> new ClipPool(clips, config, SIZE, 1 << 20, BadData.refused()));
    assertTrue(atOnce.getMessage().startsWith("broken"));
    Named later = new Named(List.of("fine", "fine too", "broken"), new ArrayList<>());
    ClipPool pool = new ClipPool(later, config, SIZE, 3L * SIZE * SIZE * 12, BadData.refused());
    UncheckedIOException e = assertThrows(UncheckedIOException.class, () -> pool.clip(2));
    assertEquals("broken: cannot be read", e.getCause().getMessage());
  }
}
