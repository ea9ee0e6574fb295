package nacre.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The format of a file that should hold weights or text but does not, recognized by its first
 * bytes.
 */
enum ForeignFormat {
  EMPTY("an empty one", "download it again"),
  LFS_POINTER(
      "a Git LFS pointer", "run `git lfs pull` in its repository, or download the file itself"),
  ZIP(
      "a zip archive, as PyTorch's .ckpt, .pt and .bin files are",
      "only safetensors will do here; `nacre weights convert` makes one of it"),
  PICKLE(
      "a pickle, as older .ckpt, .pt and .bin files of PyTorch are",
      "only safetensors will do here; `nacre weights convert` makes one of it"),
  TAR(
      "a tar archive, as PyTorch wrote before 2017",
      "load it with a PyTorch that still reads it and save its state_dict() anew"),
  GGUF("a GGUF file", "its quantized weights are not read; take the same model as .safetensors"),
  NUMPY(
      "a NumPy array",
      "save it in Python by safetensors.numpy.save_file({\"name\": array}, \"file.safetensors\")"),
  GZIP("compressed with gzip", "unpack it first, for instance with gunzip"),
  WEB_PAGE(
      "a web page saved in its place",
      "download the file again, from its direct link, and signed in if the site asks for it"),
  XML(
      "an XML document, such as a server's error message",
      "download the file again, from its direct link"),
  JSON(
      "JSON text",
      "call it *.safetensors.index.json if it is an index of shards, else download the file again"),
  ZEROS("zeros", "its download did not finish; download it again"),
  TEXT("text", "it may be a server's error message; download the file again");

  /** Number of a file's first bytes that are examined; fewer if the file is shorter. */
  static final int LOOKED_AT = 512;

  /** Where the name of its format stands in a tar archive. */
  private static final int USTAR = 257;

  private static final Pattern PAGE =
      Pattern.compile("^(<\\?xml[^<]*|<!--[^<]*)*<(!doctype\\s+html|html|head|body)\\b");

  private static final Pattern MARKUP = Pattern.compile("^<[a-z?!]");

  private final String name;
  private final String remedy;

  ForeignFormat(String name, String remedy) {
    this.name = name;
    this.remedy = remedy;
  }

  /**
   * The format, and what to do about it.
   *
   * @param start as in {@link #of}, of which text is quoted
   */
  String description(byte[] start) {
    if (this != TEXT) {
      return name + ": " + remedy;
    }
    String line = firstWords(start).lines().findFirst().orElse("");
    return "text, \"" + OneLine.clip(line) + "\": " + remedy;
  }

  /**
   * Recognizes the format of a file that cannot be read as what it should be.
   *
   * @param start its first {@value #LOOKED_AT} bytes, or all of them
   */
  static Optional<ForeignFormat> of(byte[] start) {
    if (start.length == 0) {
      return Optional.of(EMPTY);
    }
    if (isSafeTensors(start)) {
      return Optional.empty();
    }
    if (starts(start, 'P', 'K', 3, 4)) {
      return Optional.of(ZIP);
    }
    if (starts(start, 'G', 'G', 'U', 'F')) {
      return Optional.of(GGUF);
    }
    if (starts(start, 0x93, 'N', 'U', 'M', 'P', 'Y')) {
      return Optional.of(NUMPY);
    }
    if (starts(start, 0x1f, 0x8b)) {
      return Optional.of(GZIP);
    }
    if (start.length > 8 && starts(start, 0x80) && start[1] >= 2 && start[1] <= 5) {
      return Optional.of(PICKLE);
    }
    if (start.length > USTAR + 5 && "ustar".equals(ascii(start, USTAR, 5))) {
      return Optional.of(TAR);
    }
    if (start.length == LOOKED_AT && Arrays.equals(start, new byte[LOOKED_AT])) {
      return Optional.of(ZEROS);
    }
    return hasControls(start) ? Optional.empty() : text(start);
  }

  /** The first bytes of a file, as {@link #of} wants them. */
  static byte[] start(MemorySegment file) {
    return file.asSlice(0, Math.min(LOOKED_AT, file.byteSize())).toArray(ValueLayout.JAVA_BYTE);
  }

  private static String ascii(byte[] bytes, int from, int length) {
    return new String(bytes, from, length, StandardCharsets.US_ASCII);
  }

  /**
   * Whether it begins like a safetensors file, possibly a damaged one: any length may precede the
   * {.
   */
  private static boolean isSafeTensors(byte[] start) {
    return start.length > 8
        && start[8] == '{'
        && start[7] == 0
        && start[6] == 0
        && start[5] == 0
        && start[4] == 0;
  }

  private static boolean starts(byte[] start, int... magic) {
    for (int i = 0; i < magic.length; i++) {
      if (i >= start.length || start[i] != (byte) magic[i]) {
        return false;
      }
    }
    return true;
  }

  /** Whether there are control characters other than line ends and tabs. */
  private static boolean hasControls(byte[] start) {
    for (byte b : start) {
      boolean blank = b == '\t' || b == '\n' || b == '\r' || b == '\f';
      if (b >= 0 && b < ' ' && !blank || b == 0x7f) {
        return true;
      }
    }
    return false;
  }

  /**
   * Markup is recognized by its ASCII characters, whatever its encoding; other text must be UTF-8.
   */
  private static Optional<ForeignFormat> text(byte[] start) {
    String text = firstWords(start).toLowerCase(Locale.ROOT);
    if (text.startsWith("version https://git-lfs.") || text.startsWith("version https://hawser.")) {
      return Optional.of(LFS_POINTER);
    }
    if (PAGE.matcher(text).find()) {
      return Optional.of(WEB_PAGE);
    }
    if (MARKUP.matcher(text).find()) {
      return Optional.of(XML);
    }
    if (text.startsWith("{") || text.startsWith("[")) {
      return Optional.of(JSON);
    }
    // Not the end of the input: its last character may be cut.
    CoderResult decoded =
        StandardCharsets.UTF_8
            .newDecoder()
            .decode(ByteBuffer.wrap(start), CharBuffer.allocate(start.length), false);
    return decoded.isError() ? Optional.empty() : Optional.of(TEXT);
  }

  /** The text without a byte order mark and surrounding whitespace. */
  private static String firstWords(byte[] start) {
    return new String(start, StandardCharsets.UTF_8).replaceFirst("^[\\s\\ufeff]+", "").strip();
  }
}
