package nacre.diffusion.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The added tokens of one kind, raw or normalized, which are cut out of a prompt before its words
 * are: leftmost first, and of several there the longest.
 */
final class AddedTokens {
  private final Map<String, AddedToken> tokens;
  private final Map<String, Integer> ids;
  private final Pattern any;

  private AddedTokens(Map<String, AddedToken> tokens, Map<String, Integer> ids) {
    this.tokens = tokens;
    this.ids = ids;
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
    Map<String, Integer> own = new HashMap<>();
    for (AddedToken token : added) {
      if (token.normalized() == normalized) {
        String text = normalize.apply(token.text());
        tokens.put(text, token);
        own.put(text, ids.get(token.text()));
      }
    }
    return new AddedTokens(tokens, own);
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
              String.format(
                  Locale.ROOT,
                  "added token %s has the id %d, which is that of %s",
                  token.text(),
                  id,
                  other));
        }
        ids.put(token.text(), id);
      }
    }
    return ids;
  }

  /**
   * The tokens that textual inversion learned as several vectors, by the id of the first: {@code
   * <cat>} where there are {@code <cat>_1} and so on, too, and the text of all, apart by spaces.
   */
  static Map<Integer, Map.Entry<String, String>> series(
      Collection<AddedToken> added, Map<String, Integer> ids) {
    Set<String> names = added.stream().map(AddedToken::text).collect(Collectors.toSet());
    Map<Integer, Map.Entry<String, String>> series = new HashMap<>();
    for (String name : names) {
      StringBuilder all = new StringBuilder(name);
      for (int i = 1; names.contains(name + "_" + i); i++) {
        all.append(' ').append(name).append('_').append(i);
      }
      if (all.length() > name.length()) {
        series.put(ids.get(name), Map.entry(name, all.toString()));
      }
    }
    return series;
  }

  private static IllegalArgumentException withoutId(String text, SpecialTokens special) {
    return new IllegalArgumentException(
        special.roles().contains(text)
            ? "special token " + text + " is not in the vocabulary"
            : String.format(
                Locale.ROOT,
                "added token %s has no id, which is its row in the text encoder's token_embedding;"
                    + " give it one in tokenizer_config.json's added_tokens_decoder or in"
                    + " added_tokens.json",
                text));
  }

  /**
   * Splits a text into these tokens and what is between them, and passes both on in order.
   *
   * @param found takes the id of a token
   * @param between takes the text before, between or after
   */
  void split(String text, IntConsumer found, Consumer<String> between) {
    int from = 0;
    if (any != null) {
      Matcher matcher = any.matcher(text);
      while (matcher.find()) {
        if (tokens.get(matcher.group()).fits(text, matcher.start(), matcher.end())) {
          between.accept(text.substring(from, matcher.start()));
          found.accept(ids.get(matcher.group()));
          from = matcher.end();
        }
      }
    }
    between.accept(text.substring(from));
  }
}
