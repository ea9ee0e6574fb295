package nacre.diffusion.text;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The vocabulary of OpenAI's CLIP (Radford et al., 2021), with which every Stable Diffusion of
 * versions 1 and 2 was trained: the letters of 256 bytes, the same at the end of a word, one token
 * for each of 48,894 merges, and the two marks of a text's start and end. It comes with Nacre,
 * since single files have no tokenizer in them.
 */
public final class ClipVocabulary {
  /** The number of tokens, 49,408. */
  public static final int SIZE = 49_408;

  private static final String MERGES = "clip-merges.txt";

  private ClipVocabulary() {}

  /**
   * The merges, a space between the two tokens of each, in the order in which they were learned.
   */
  static List<String> merges() {
    return file().lines().skip(1).toList();
  }

  private static String file() {
    try (InputStream in = ClipVocabulary.class.getResourceAsStream(MERGES)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The ids by token, in the order of the ids. */
  static Map<String, Integer> tokens() {
    Map<String, Integer> tokens = new LinkedHashMap<>();
    List<String> letters = ByteAlphabet.inOrder();
    letters.forEach(letter -> tokens.put(letter, tokens.size()));
    letters.forEach(letter -> tokens.put(letter + BytePairs.WORD_END, tokens.size()));
    merges().forEach(merge -> tokens.put(merge.replace(" ", ""), tokens.size()));
    tokens.put(SpecialTokens.START, tokens.size());
    tokens.put(SpecialTokens.END, tokens.size());
    return tokens;
  }

  /**
   * Writes {@code vocab.json} and {@code merges.txt}, byte for byte those of the models' folders on
   * the hub.
   *
   * @param folder exists
   * @throws IOException if a file cannot be written
   */
  public static void write(Path folder) throws IOException {
    Files.writeString(folder.resolve("vocab.json"), new JsonMapper().writeValueAsString(tokens()));
    Files.writeString(folder.resolve("merges.txt"), file());
  }
}
