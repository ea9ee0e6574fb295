package nacre.diffusion.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * What the text encoder takes at a time: 75 tokens of a prompt between start and end, padded.
 *
 * @param ids of the tokens
 * @param weights of the tokens, as many
 */
record PromptChunk(int[] ids, float[] weights) {

  /** Whether the weights change anything. */
  boolean isWeighted() {
    for (float weight : weights) {
      if (weight != 1) {
        return true;
      }
    }
    return false;
  }

  /** A prompt without weights, cut to one chunk. */
  static PromptChunk plain(ClipTokenizer tokenizer, String prompt) {
    float[] ones = new float[tokenizer.length()];
    Arrays.fill(ones, 1);
    return new PromptChunk(tokenizer.encode(prompt).ids(), ones);
  }

  /**
   * Fills chunks, as AUTOMATIC1111's stable-diffusion-webui does: where a chunk is full and one of
   * its last twenty tokens is a comma, what follows the comma moves to the next chunk.
   */
  static final class Filler {
    private static final int BACKTRACK = 20;

    private final ClipTokenizer tokenizer;
    private final int room;
    private final List<PromptChunk> chunks = new ArrayList<>();
    private List<Integer> ids = new ArrayList<>();
    private List<Float> weights = new ArrayList<>();
    private int lastComma = -1;

    Filler(ClipTokenizer tokenizer) {
      this.tokenizer = tokenizer;
      this.room = tokenizer.length() - 2;
    }

    /** Adds one token. */
    void token(int id, float weight) {
      if (id == tokenizer.comma()) {
        lastComma = ids.size();
      } else {
        moveAfterComma();
      }
      if (ids.size() == room) {
        next();
      }
      add(id, weight);
    }

    /** Adds the vectors of a textual inversion, which stay together. */
    void vectors(int first, int count, float weight) {
      moveAfterComma();
      if (ids.size() + count > room) {
        next();
      }
      for (int i = 0; i < count; i++) {
        add(first + i, weight);
      }
    }

    private void add(int id, float weight) {
      ids.add(id);
      weights.add(weight);
    }

    private void moveAfterComma() {
      if (ids.size() == room && lastComma >= 0 && room - lastComma <= BACKTRACK) {
        List<Integer> movedIds = ids.subList(lastComma + 1, room);
        List<Float> movedWeights = weights.subList(lastComma + 1, room);
        ids = new ArrayList<>(ids.subList(0, lastComma + 1));
        weights = new ArrayList<>(weights.subList(0, lastComma + 1));
        next();
        ids.addAll(movedIds);
        weights.addAll(movedWeights);
      }
    }

    /** Ends a chunk, full or not. */
    void next() {
      ids.add(0, tokenizer.start());
      weights.add(0, 1f);
      ids.add(tokenizer.end());
      ids.addAll(Collections.nCopies(tokenizer.length() - ids.size(), tokenizer.padding()));
      weights.addAll(Collections.nCopies(tokenizer.length() - weights.size(), 1f));
      float[] all = new float[weights.size()];
      for (int i = 0; i < all.length; i++) {
        all[i] = weights.get(i);
      }
      chunks.add(new PromptChunk(ids.stream().mapToInt(Integer::intValue).toArray(), all));
      ids = new ArrayList<>();
      weights = new ArrayList<>();
      lastComma = -1;
    }

    /** All chunks, at least one. */
    List<PromptChunk> chunks() {
      if (!ids.isEmpty() || chunks.isEmpty()) {
        next();
      }
      return List.copyOf(chunks);
    }
  }
}
