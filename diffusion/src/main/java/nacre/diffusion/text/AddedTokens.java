package nacre.diffusion.text;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The added tokens of one kind, raw or normalized, which are cut out of a prompt before its words
 * are: leftmost first, and of several there the longest.
 *
 * <p>A token that textual inversion learned as several vectors is written by its first: {@code
 * <cat>} stands for {@code <cat>}, {@code <cat>_1}, {@code <cat>_2} and so on, as in diffusers.
 */
final class AddedTokens {
  private final Map<String, AddedToken> tokens;
  private final Map<String, List<Integer>> vectors;
  private final Pattern any;

  private AddedTokens(Map<String, AddedToken> tokens, Map<String, List<Integer>> vectors) {
    this.tokens = tokens;
    this.vectors = vectors;
    List<String> texts =
        tokens.keySet().stream()
            .sorted(Comparator.comparing(String::length).reversed())
            .map(Pattern::quote)
            .toList();
    any = texts.isEmpty() ? null : Pattern.compile(String.join("|", texts));
  }

  /**
   * Those of a kind.
   *
   * @param ids of all tokens, as {@link #ids} gives them
   * @param normalize what is done to a prompt before these are matched
   */
  static AddedTokens of(
      Collection<AddedToken> added,
      Map<String, Integer> ids,
      boolean normalized,
      UnaryOperator<String> normalize) {
    Map<String, AddedToken> tokens = new HashMap<>();
    Map<String, List<Integer>> vectors = new HashMap<>();
    List<String> names = added.stream().map(AddedToken::text).toList();
    for (AddedToken token : added) {
      if (token.normalized() == normalized) {
        String text = normalize.apply(token.text());
        List<Integer> rows = new ArrayList<>(List.of(ids.get(token.text())));
        for (int i = 1; names.contains(token.text() + "_" + i); i++) {
          rows.add(ids.get(token.text() + "_" + i));
        }
        tokens.put(text, token);
        vectors.put(text, rows);
      }
    }
    return new AddedTokens(tokens, vectors);
  }

  /**
   * The numbers of a vocabulary and of the tokens added to it. The vocabulary's go before those
   * that other files give.
   *
   * @throws IllegalArgumentException if a token has no number, or that of another
   */
  static Map<String, Integer> ids(SpecialTokens special, Map<String, Integer> vocabulary) {
    Map<String, Integer> ids = new HashMap<>(vocabulary);
    Map<Integer, String> taken = new HashMap<>();
    vocabulary.forEach((token, id) -> taken.put(id, token));
    for (AddedToken token : special.added()) {
      if (!vocabulary.containsKey(token.text())) {
        int id = token.id().orElseThrow(() -> withoutId(token.text(), special));
        String other = taken.putIfAbsent(id, token.text());
        if (other != null) {
          throw new IllegalArgumentException(
              "added token %s has the id %d, which is that of %s"
                  .formatted(token.text(), id, other));
        }
        ids.put(token.text(), id);
      }
    }
    return ids;
  }

  private static IllegalArgumentException withoutId(String text, SpecialTokens special) {
    return new IllegalArgumentException(
        special.roles().contains(text)
            ? "special token " + text + " is not in the vocabulary"
            : "added token %s has no id, which is its row in the text encoder's token_embedding; give it one in tokenizer_config.json's added_tokens_decoder or in added_tokens.json"
                .formatted(text));
  }

  /**
   * Splits a text into these tokens and what is between them, and passes both on in order.
   *
   * @param found takes the ids of a token
   * @param between takes the text before, between or after
   */
  void split(String text, Consumer<List<Integer>> found, Consumer<String> between) {
    int from = 0;
    if (any != null) {
      Matcher matcher = any.matcher(text);
      while (matcher.find()) {
        if (tokens.get(matcher.group()).fits(text, matcher.start(), matcher.end())) {
          between.accept(text.substring(from, matcher.start()));
          found.accept(vectors.get(matcher.group()));
          from = matcher.end();
        }
      }
    }
    between.accept(text.substring(from));
  }
}
