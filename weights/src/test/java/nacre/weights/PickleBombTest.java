package nacre.weights;

import static nacre.weights.PickleReading.assertRefused;
import static nacre.weights.PickleReading.read;
import static nacre.weights.PickleText.START;
import static nacre.weights.PickleText.TENSOR;
import static nacre.weights.PickleText.beside;
import static nacre.weights.PickleText.dictionary;
import static nacre.weights.PickleText.global;
import static nacre.weights.PickleText.little;
import static nacre.weights.PickleText.number;
import static nacre.weights.PickleText.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles that would exhaust a reader: each is refused in one line, in little time and memory. */
class PickleBombTest {
  /** Lengths that the file does not have; nothing is allocated for them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "X\u00ff\u00ff\u00ff\u00ff",
        "X\u00ff\u00ff\u00ff\u007f",
        "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff",
        "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
        "\u008e\u0000\u0000\u0000\u0000\u0000\u0001\u0000\u0000",
        "\u0096\u0000\u0000\u0000\u0000\u0000\u0001\u0000\u0000",
        "B\u00ff\u00ff\u00ff\u00ff",
        "C\u00ff",
        "T\u00ff\u00ff\u00ff\u007f",
        "U\u00ff",
        "\u008c\u00ff",
        "\u008a\u00ff",
        "K",
        "G",
        "c",
        "cos",
        "cos\nsystem"
      })
  void lengthsBeyondTheFileAreRefused(String value) {
    assertRefused("may be truncated", START + value);
  }

  @Test
  void longNumbersAndLinesAreRefused() {
    assertRefused("a number of 4294967295 bytes", beside("\u008b\u00ff\u00ff\u00ff\u00ff"));
    assertRefused("a number of 300 bytes", beside("\u008b" + little(300, 4) + "1".repeat(300)));
    assertRefused("a line of more than 4096", beside("c" + "a".repeat(5000) + "\nb\n"));
    assertRefused("a frame of it reaches beyond", beside("\u0095" + little(1 << 20, 8)));
    assertRefused("a frame of it reaches beyond", beside("\u0095" + little(-1, 8)));
  }

  /** Few bytes that ask for much memory. */
  @Test
  void bombsOfMemoryAreRefused() {
    String memory = "its objects would take more than 268435456 bytes of memory";
    assertRefused(memory, START + "}".repeat(1_200_000));
    assertRefused(memory, START + "]".repeat(2_400_000));
    assertRefused(memory, START + "N" + "2".repeat(6_800_000));
    assertRefused(memory, START + "(".repeat(6_800_000));
    StringBuilder memo = new StringBuilder(START + "N");
    for (int i = 0; i < 2_200_000; i++) {
      memo.append("r").append(little(i * 977L, 4));
    }
    assertRefused(memory, memo.toString());
    StringBuilder copies = new StringBuilder(START + "](");
    String list = "(" + "N".repeat(1000) + "lq\u0001";
    copies.append(list);
    String size = global("torch", "Size") + "q\u0002";
    copies.append(size);
    copies.append(("h\u0002h\u0001\u0085R").repeat(60_000)); // a tuple of the list, again and again
    assertRefused(memory, copies.toString());
  }

  /** Billions of paths through few objects, and objects within themselves. */
  @Test
  void bombsOfReferencesAreRefused() {
    StringBuilder laughs = new StringBuilder(START + "}q\u0000");
    for (int i = 0; i < 60; i++) {
      String last = "h" + (char) i;
      laughs.append("0}(").append(text("a")).append(last).append(text("b")).append(last);
      laughs.append("uq").append((char) (i + 1));
    }
    laughs.append(".");
    assertRefused("too many to look through", laughs.toString());
    assertRefused("more than 64 deep", START + "}q\u0000" + text("a") + "h\u0000s.");
    assertRefused("more than 64 deep", START + "]q\u0000h\u0000a.");
    String nested = "(".repeat(100_000) + "N" + "l".repeat(100_000);
    assertRefused("more than 64 deep", START + nested + ".");
    String tuples = "N" + "\u0085".repeat(100_000);
    assertRefused("more than 64 deep", START + tuples + ".");
    StringBuilder models = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      models.append("}").append(text("model"));
    }
    assertRefused("more than 64 deep", START + models + "}" + "s".repeat(100) + ".");
    String long4k = text("k".repeat(4000)) + "q\u0001";
    assertRefused(
        "a name of more than 4096", START + "}" + long4k + dictionary("h\u0001", TENSOR) + "s.");
  }

  /** A dictionary that is its own model, and would be looked for in itself without end. */
  @Test
  void aModelThatHoldsItselfIsRefused() {
    String self = text("w") + TENSOR + text("model") + "h\u0000" + text("x") + "h\u0000";
    assertRefused("more than 64 deep", START + "}q\u0000(" + self + "u.");
  }

  /** Whole numbers and fractions of one hash, among which a tree cannot find its way. */
  @Test
  void keysOfOneHashTakeNoTime() throws WeightsException {
    StringBuilder keys = new StringBuilder();
    for (long i = 1; i <= 40_000; i++) {
      long bits = i << 32 | i;
      keys.append(number(bits)).append("N");
      keys.append("G").append(new StringBuilder(little(bits, 8)).reverse()).append("N");
    }
    String pickle = START + "}(" + text("w") + TENSOR + keys + "u.";
    assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> assertEquals(Set.of("w"), read(ZipBytes.checkpoint(pickle).bytes())));
  }

  /** Laughs through the keys of dictionaries: no hash walks through tuples. */
  @Test
  void tuplesAsKeysTakeNoTime() throws WeightsException {
    StringBuilder keys = new StringBuilder("Nq\u0000");
    for (int i = 0; i < 100; i++) {
      keys.append("0h").append((char) i).append("2\u0086q").append((char) (i + 1));
    }
    String pickle = START + keys + "0" + dictionary(text("w"), TENSOR, "h\u0064", "N") + ".";
    assertEquals(Set.of("w"), read(ZipBytes.checkpoint(pickle).bytes()));
  }
}
