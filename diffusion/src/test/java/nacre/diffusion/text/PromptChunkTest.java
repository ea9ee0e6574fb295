package nacre.diffusion.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Path;
import java.util.List;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where prompts longer than a chunk are cut: stable-diffusion-webui's {@code tokenize_line}. */
class PromptChunkTest {
  private static final int ROOM = 75;
  private static final int LETTER = 5;

  private ClipTokenizer tokenizer;
  private PromptChunk.Filler filler;

  @BeforeEach
  void open() throws WeightsException {
    tokenizer =
        ClipTokenizer.read(Path.of("../tools/cli/src/test/resources/tiny-sd/model/tokenizer"));
    assertEquals(ROOM + 2, tokenizer.length());
    assertNotEquals(-1, tokenizer.comma());
    filler = new PromptChunk.Filler(tokenizer);
  }

  /** The first chunk's 75 tokens, of which the one at a place is a comma. */
  private void fill(int comma) {
    for (int i = 0; i < ROOM; i++) {
      filler.token(i == comma ? tokenizer.comma() : LETTER, 1.5f);
    }
  }

  /** Chunks of start, so many tokens of the prompt with the weight 1.5, end and padding. */
  private void assertFilled(int... counts) {
    List<PromptChunk> chunks = filler.chunks();
    assertEquals(counts.length, chunks.size());
    for (int c = 0; c < counts.length; c++) {
      int[] ids = chunks.get(c).ids();
      float[] weights = new float[tokenizer.length()];
      for (int i = 0; i < weights.length; i++) {
        boolean inside = i > 0 && i <= counts[c];
        weights[i] = inside ? 1.5f : 1;
        if (i == 0) {
          assertEquals(tokenizer.start(), ids[i]);
        } else if (!inside) {
          assertEquals(i == counts[c] + 1 ? tokenizer.end() : tokenizer.padding(), ids[i]);
        }
      }
      assertEquals(weights.length, ids.length);
      assertArrayEquals(weights, chunks.get(c).weights());
    }
  }

  /** What follows a comma among the last 20 tokens moves on when the next token has no place. */
  @ParameterizedTest
  @CsvSource({
    "-1, 75, 1",
    "0, 75, 1",
    "54, 75, 1",
    "55, 56, 20",
    "70, 71, 5",
    "73, 74, 2",
    "74, 75, 1"
  })
  void whatFollowsALateCommaMovesOn(int comma, int first, int second) {
    fill(comma);
    filler.token(LETTER, 1.5f);
    assertFilled(first, second);
    if (comma >= 55) {
      assertEquals(tokenizer.comma(), filler.chunks().getFirst().ids()[first]);
    }
  }

  @Test
  void nothingMovesWhereNothingFollows() {
    fill(60);
    assertFilled(75);
  }

  @Test
  void aCommaThatHasNoPlaceMovesAlone() {
    fill(60);
    filler.token(tokenizer.comma(), 1.5f);
    assertFilled(75, 1);
  }

  @ParameterizedTest
  @CsvSource({
    // vectors that just fit, that do not, and that come behind a full chunk with a comma
    "72, -1, 3, 75, 0",
    "73, -1, 3, 73, 3",
    "75, 60, 3, 61, 17",
    "75, -1, 3, 75, 3"
  })
  void vectorsOfAWordStayTogether(int before, int comma, int count, int first, int second) {
    for (int i = 0; i < before; i++) {
      filler.token(i == comma ? tokenizer.comma() : LETTER, 1.5f);
    }
    filler.vectors(1000, count, 1.5f);
    if (second == 0) {
      assertFilled(first);
    } else {
      assertFilled(first, second);
    }
    int[] last = filler.chunks().getLast().ids();
    int end = second == 0 ? first : second;
    for (int i = 0; i < count; i++) {
      assertEquals(1000 + i, last[1 + end - count + i]);
    }
  }

  /** A comma of the chunk before says nothing of the next. */
  @Test
  void eachChunkHasCommasOfItsOwn() {
    fill(60);
    for (int i = 0; i < ROOM; i++) {
      filler.token(LETTER, 1.5f);
    }
    assertFilled(61, 75, 14);
  }

  @Test
  void nothingMakesAChunkOfPadding() {
    assertFilled(0);
  }
}
