package nacre.diffusion.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The alphabet of byte-level vocabularies, one character for each byte (GPT-2): printable bytes of
 * Latin-1 stand for themselves, the others for the characters from U+0100 on, in order.
 */
final class ByteAlphabet {
  private static final int BYTES = 256;
  private static final char[] LETTERS = new char[BYTES];
  private static final byte[] VALUES = new byte[2 * BYTES];

  static {
    char next = BYTES;
    for (int value = 0; value < BYTES; value++) {
      char letter = isPrintable(value) ? (char) value : next++;
      LETTERS[value] = letter;
      VALUES[letter] = (byte) value;
    }
  }

  private ByteAlphabet() {}

  private static boolean isPrintable(int value) {
    return value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xFF && value != 0xAD;
  }

  /**
   * All letters in the order that vocabularies have them: those that stand for themselves first.
   */
  static List<String> inOrder() {
    return new String(LETTERS).chars().sorted().mapToObj(Character::toString).toList();
  }

  /** The UTF-8 bytes of a text as letters. */
  static String letters(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    char[] letters = new char[bytes.length];
    for (int i = 0; i < letters.length; i++) {
      letters[i] = LETTERS[bytes[i] & 0xFF];
    }
    return new String(letters);
  }

  /** The text whose UTF-8 bytes the letters are; other characters are kept. */
  static String text(String letters) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (char letter : letters.toCharArray()) {
      if (letter < VALUES.length && LETTERS[VALUES[letter] & 0xFF] == letter) {
        bytes.write(VALUES[letter]);
      } else {
        bytes.writeBytes(String.valueOf(letter).getBytes(StandardCharsets.UTF_8));
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
