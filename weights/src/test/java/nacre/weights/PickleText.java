package nacre.weights;

import java.nio.charset.StandardCharsets;

/** Pickles put together by hand, opcode after opcode, as texts of Latin-1. */
final class PickleText {
  /** Protocol 2. */
  static final String START = "\u0080\u0002";

  /** The storage of four floats that {@link ZipBytes#checkpoint} brings along. */
  static final String STORAGE = storage("0", "FloatStorage", number(4));

  /** A tensor of that storage. */
  static final String TENSOR = tensor(STORAGE, number(0), tuple(number(4)), tuple(number(1)));

  private PickleText() {}

  static byte[] bytes(String pickle) {
    return pickle.getBytes(StandardCharsets.ISO_8859_1);
  }

  static String little(long value, int bytes) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < bytes; i++) {
      text.append((char) (value >>> 8 * i & 0xff));
    }
    return text.toString();
  }

  /** {@code GLOBAL}. */
  static String global(String module, String name) {
    return "c" + module + "\n" + name + "\n";
  }

  /** {@code STACK_GLOBAL}. */
  static String stacked(String module, String name) {
    return text(module) + text(name) + "\u0093";
  }

  /** {@code BINUNICODE}. */
  static String text(String text) {
    return "X" + little(text.length(), 4) + text;
  }

  /** {@code LONG1}. */
  static String number(long value) {
    return "\u008a\u0008" + little(value, 8);
  }

  static String tuple(String... items) {
    return "(" + String.join("", items) + "t";
  }

  static String dictionary(String... keysAndValues) {
    return "}(" + String.join("", keysAndValues) + "u";
  }

  /** {@code BINPERSID} of a storage. */
  static String storage(String key, String type, String elements) {
    return tuple(text("storage"), global("torch", type), text(key), text("cpu"), elements) + "Q";
  }

  /** A call of {@code _rebuild_tensor_v2}. */
  static String tensor(String storage, String offset, String sizes, String strides) {
    return global("torch._utils", "_rebuild_tensor_v2")
        + tuple(storage, offset, sizes, strides, "\u0089", "}")
        + "R";
  }

  /** A whole pickle of a dictionary with a tensor {@code w} and something else. */
  static String beside(String value) {
    return START + dictionary(text("w"), TENSOR, text("x"), value) + ".";
  }
}
