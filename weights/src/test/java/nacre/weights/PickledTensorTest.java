package nacre.weights;

import static nacre.weights.PickleReading.assertRefused;
import static nacre.weights.PickleText.START;
import static nacre.weights.PickleText.STORAGE;
import static nacre.weights.PickleText.TENSOR;
import static nacre.weights.PickleText.beside;
import static nacre.weights.PickleText.dictionary;
import static nacre.weights.PickleText.global;
import static nacre.weights.PickleText.number;
import static nacre.weights.PickleText.storage;
import static nacre.weights.PickleText.tensor;
import static nacre.weights.PickleText.text;
import static nacre.weights.PickleText.tuple;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tensors of pickles that are not what they must be: each is refused in one line. */
class PickledTensorTest {
  /** Tensors whose numbers are negated, or conjugated, when they are read. */
  @Test
  void viewsOfOtherNumbersAreRefused() {
    for (String bit : List.of("neg", "conj")) {
      String metadata = dictionary(text(bit), "\u0088");
      String view =
          global("torch._utils", "_rebuild_tensor_v2")
              + tuple(
                  STORAGE, number(0), tuple(number(4)), tuple(number(1)), "\u0089", "}", metadata)
              + "R";
      assertRefused("whose " + bit + " bit is set", START + view + ".");
    }
  }

  /** Tensors that do not lie in their storage, or are not what a tensor can be. */
  static Stream<Arguments> tensors() {
    String big = number(Long.MAX_VALUE);
    String one = tuple(number(1));
    String four = tuple(number(4));
    return Stream.of(
        Arguments.of("reaches outside of storage 0", STORAGE, number(1), four, one),
        Arguments.of("reaches outside of storage 0", STORAGE, number(0), tuple(number(5)), one),
        Arguments.of("reaches outside of storage 0", STORAGE, number(4), tuple(), tuple()),
        Arguments.of("reaches outside of storage 0", STORAGE, number(0), four, tuple(number(2))),
        Arguments.of("reaches outside of storage 0", STORAGE, big, four, one),
        Arguments.of("reaches outside of storage 0", STORAGE, number(0), four, tuple(big)),
        Arguments.of(
            "reaches outside of storage 0", STORAGE, number(2), tuple(number(3)), tuple(big)),
        Arguments.of(
            "reaches outside of storage 0",
            STORAGE,
            number(0),
            tuple(number(2), number(2)),
            tuple(number(Long.MAX_VALUE / 2 + 1), number(Long.MAX_VALUE / 2 + 1))),
        Arguments.of("has -1 for an offset", STORAGE, number(-1), four, one),
        Arguments.of("has -4 for an extent", STORAGE, number(0), tuple(number(-4)), one),
        Arguments.of("has -1 for a stride", STORAGE, number(3), four, tuple(number(-1))),
        Arguments.of("has true for an extent", STORAGE, number(0), tuple("\u0088"), one),
        Arguments.of(
            "has 1.0 for a stride", STORAGE, number(0), four, tuple("G?\u00f0" + "\0".repeat(6))),
        Arguments.of(
            "for an offset", STORAGE, "\u008a\u0009" + "\u00ff".repeat(8) + "\0", four, one),
        Arguments.of(
            "has an extent of 2147483648",
            STORAGE,
            number(0),
            tuple(number(1L << 31)),
            tuple(number(0))),
        Arguments.of(
            "has a shape that is too large",
            STORAGE,
            number(0),
            tuple(number(1 << 30), number(1 << 30), number(2)),
            tuple(number(0), number(0), number(0))),
        Arguments.of(
            "has a shape that is too large",
            STORAGE,
            number(0),
            tuple(number(1 << 30), number(1 << 30), number(0)),
            tuple(number(0), number(0), number(0))),
        Arguments.of(
            "repeat what it holds more than 16 times",
            STORAGE,
            number(0),
            tuple(number(1 << 30), number(4)),
            tuple(number(0), number(1))),
        Arguments.of(
            "has 2 extents and 1 strides", STORAGE, number(0), tuple(number(2), number(2)), one),
        Arguments.of("where a tuple is wanted", STORAGE, number(0), number(4), one),
        Arguments.of(
            "has 65 extents",
            STORAGE,
            number(0),
            "(" + number(1).repeat(65) + "t",
            "(" + number(1).repeat(65) + "t"),
        Arguments.of(
            "has -1 for its size", storage("0", "FloatStorage", number(-1)), number(0), four, one),
        Arguments.of("for its size", storage("0", "DoubleStorage", big), number(0), four, one),
        Arguments.of(
            "its storage 0 has 16 bytes, its pickle says 20 bytes",
            storage("0", "FloatStorage", number(5)),
            number(0),
            four,
            one),
        Arguments.of(
            "its storage 0 has 16 bytes, its pickle says 12 bytes",
            storage("0", "FloatStorage", number(3)),
            number(0),
            tuple(number(3)),
            one),
        Arguments.of(
            "its storage 0 has 16 bytes, its pickle says 32 bytes",
            storage("0", "DoubleStorage", number(4)),
            number(0),
            four,
            one),
        Arguments.of(
            "its storage 7 has no entry",
            storage("7", "FloatStorage", number(4)),
            number(0),
            four,
            one),
        Arguments.of(
            "its storage ../data.pkl has no entry",
            storage("../data.pkl", "ByteStorage", number(4)),
            number(0),
            four,
            one),
        Arguments.of(
            "is called without an element type",
            storage("0", "UntypedStorage", number(16)),
            number(0),
            four,
            one));
  }

  @ParameterizedTest
  @MethodSource("tensors")
  void tensorsThatCannotBeAreRefused(
      String reason, String storage, String offset, String sizes, String strides) {
    String pickle = START + dictionary(text("w"), tensor(storage, offset, sizes, strides)) + ".";
    assertRefused(reason, pickle);
  }

  @Test
  void aStorageOfTwoSizesOrTypesIsRefused() {
    for (String other :
        new String[] {
          storage("0", "FloatStorage", number(3)),
          storage("0", "IntStorage", number(4)),
          storage("0", "UntypedStorage", number(16))
        }) {
      assertRefused("storage 0 has two sizes or types", beside(other));
    }
  }

  @Test
  void namesOfTwoTensorsThatAreOneAreRefused() {
    String inner = dictionary(text("b"), TENSOR);
    assertRefused(
        "holds two tensors named a.b",
        START + dictionary(text("a"), inner, text("a.b"), TENSOR) + ".");
    assertRefused(
        "holds two tensors named 1",
        START + dictionary(text("1"), TENSOR, number(1), TENSOR) + ".");
  }
}
