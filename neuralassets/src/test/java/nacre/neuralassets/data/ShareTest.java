package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import nacre.neuralassets.model.Preset;
import org.junit.jupiter.api.Test;

class ShareTest {
  private static final int SIZE = 8;

  @Test
  void theSharesOfAllRanksAreAllItemsOnce() {
    for (int ranks : new int[] {1, 2, 3, 7}) {
      for (int items : new int[] {0, 1, 6, 7, 100, Integer.MAX_VALUE}) {
        int next = 0;
        for (int rank = 0; rank < ranks; rank++) {
          Share share = new Share(rank, ranks);
          assertEquals(next, share.from(items));
          next = share.to(items);
          int size = next - share.from(items);
          assertTrue(size == items / ranks || size == (items - 1) / ranks + 1, share::toString);
        }
        assertEquals(items, next);
      }
    }
    assertThrows(IllegalArgumentException.class, () -> new Share(2, 2));
    assertThrows(IllegalArgumentException.class, () -> new Share(-1, 2));
  }

  @Test
  void theBatchesOfAllRanksAreThatOfOneProcess() throws IOException {
    DataConfig config = DataConfig.of(Preset.builtin("tiny").data().orElseThrow());
    ClipPool pool = new ClipPool(new RenderedClips(config, 1, SIZE), config, SIZE);
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    PairSampler sampler = new PairSampler(pool, config, diffusion, 4, SIZE);
    PairBatch whole = sampler.batch(5, 7);
    int pixels = SIZE * SIZE * 3;
    int seen = 0;
    for (int rank = 0; rank < 3; rank++) {
      PairBatch part = sampler.batch(5, 7, new Share(rank, 3));
      int end = seen + part.count();
      assertArrayEquals(
          Arrays.copyOfRange(whole.target(), seen * pixels, end * pixels), part.target());
      assertArrayEquals(Arrays.copyOfRange(whole.timesteps(), seen, end), part.timesteps());
      seen = end;
    }
    assertEquals(7, seen);
  }

  @Test
  void clipsAreSharedSideBySide() {
    ClipSource source = new Numbers(8);
    List<String> ids = new ArrayList<>();
    for (int rank = 0; rank < 3; rank++) {
      ClipSource part = new Share(rank, 3).of(source);
      IntStream.range(0, part.size()).mapToObj(part::id).forEach(ids::add);
    }
    assertEquals(List.of("0", "1", "2", "3", "4", "5", "6", "7"), ids);
  }

  private record Numbers(int size) implements ClipSource {
    @Override
    public nacre.neuralassets.scene.Scene scene(int index) {
      throw new AssertionError("is not read");
    }

    @Override
    public String id(int index) {
      return "" + index;
    }

    @Override
    public String describe() {
      return "numbers";
    }
  }
}
