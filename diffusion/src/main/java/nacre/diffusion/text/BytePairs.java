package nacre.diffusion.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Byte-pair encoding (Sennrich, Haddow and Birch, 2016) of single words: adjacent tokens are
 * merged, the pair learned earliest first, until no learned pair is left.
 */
final class BytePairs {
  /** The suffix of the last token of a word. */
  static final String WORD_END = "</w>";

  private record Pair(String left, String right) {}

  private final Map<String, Integer> vocabulary;
  private final Map<Pair, Integer> ranks = new HashMap<>();

  /**
   * @param vocabulary the numbers of the tokens
   * @param merges each two tokens with a space between, in the order in which they were learned
   * @throws IllegalArgumentException if a merge is not of this form, or makes no token
   */
  BytePairs(Map<String, Integer> vocabulary, List<String> merges) {
    this.vocabulary = vocabulary;
    for (String merge : merges) {
      int space = merge.indexOf(' ');
      if (space < 1 || space != merge.lastIndexOf(' ') || space == merge.length() - 1) {
        throw new IllegalArgumentException("merge '" + merge + "' is not two tokens");
      }
      Pair pair = new Pair(merge.substring(0, space), merge.substring(space + 1));
      if (!vocabulary.containsKey(pair.left + pair.right)) {
        throw new IllegalArgumentException(
            "merge '" + merge + "' makes no token of the vocabulary");
      }
      ranks.putIfAbsent(pair, ranks.size());
    }
  }

  /**
   * The tokens of a word in letters of the {@link ByteAlphabet}.
   *
   * @param unknown replaces a letter that is not a token
   */
  List<Integer> encode(String word, int unknown) {
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < word.length(); i++) {
      parts.add(word.charAt(i) + (i == word.length() - 1 ? WORD_END : ""));
    }
    while (true) {
      int best = -1;
      int bestRank = Integer.MAX_VALUE;
      for (int i = 0; i + 1 < parts.size(); i++) {
        Integer rank = ranks.get(new Pair(parts.get(i), parts.get(i + 1)));
        if (rank != null && rank < bestRank) {
          best = i;
          bestRank = rank;
        }
      }
      if (best < 0) {
        return parts.stream().map(part -> vocabulary.getOrDefault(part, unknown)).toList();
      }
      parts.set(best, parts.get(best) + parts.remove(best + 1));
    }
  }
}
