package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * A million files whose headers were tampered with: each is refused in one line, or gives entries
 * that cover its data exactly and can be read from end to end.
 */
class HeaderFuzzTest {
  private static final int FILES = 1_000_000;
  private static final Path PATH = Path.of("fuzzed");
  private static final Pattern OFFSETS = Pattern.compile("\\[(\\d{1,4}),(\\d{1,4})]");

  /** What headers are made of, and what they must not be made of. */
  private static final byte[][] TOKENS =
      List.of(
              "\"dtype\":\"F32\"",
              "\"shape\":[",
              "\"data_offsets\":[0,8]",
              "\"__metadata__\":{",
              "{",
              "}",
              "[",
              "]",
              ",",
              ":",
              "\"",
              "\\",
              "\\u0000",
              "\\ud800",
              "\u00e9",
              "-1",
              "0",
              "1e9",
              "0.5",
              "2147483648",
              "9223372036854775807",
              "9223372036854775808",
              "999999999999999999999999999999",
              "null",
              "true",
              "NaN",
              " ",
              "\n",
              "\"F64\"",
              "\"U8\"",
              "\"f32\"")
          .stream()
          .map(token -> token.getBytes(StandardCharsets.UTF_8))
          .toArray(byte[][]::new);

  private static final List<String> CHECKS =
      List.of(
          "not a safetensors file: it claims a header of ",
          " bytes is cut off; the file has ",
          "not a safetensors file: its header is not a JSON object",
          "not a safetensors file: its header is not UTF-8",
          "header is not valid JSON: ",
          "header goes on after its JSON object",
          "tensor __metadata__: is not a JSON object",
          "tensor __metadata__: value of '",
          ": its entry is not a JSON object",
          ": has no dtype",
          ": has no shape",
          ": has no data_offsets",
          ": dtype is not a string",
          " is not known",
          ": shape is not an array",
          ": shape holds something other than",
          " is too large",
          ": data_offsets is not an array",
          ": data_offsets holds something other than",
          " numbers, not 2",
          " run backwards",
          " bytes, data_offsets give ",
          " overlap the tensor before",
          " leave a hole of ",
          " reach beyond the ",
          " bytes after the last tensor belong to none");

  private final Random random = new Random(7);

  private static byte[] file(String header, int dataBytes) {
    return HeaderFile.bytes(header.replace('\'', '"').getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  @Test
  void aMillionHeaders() throws IOException {
    byte[][] seeds = {
      file("{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 8),
      file(
          "{'__metadata__':{'format':'pt'},'b':{'dtype':'BF16','shape':[2,2],'data_offsets':[0,8]},"
              + "'a':{'dtype':'U8','shape':[],'data_offsets':[8,9]}}   ",
          9),
      file(
          "{'w':{'dtype':'I64','shape':[1,3],'data_offsets':[0,24]},"
              + "'x':{'dtype':'F16','shape':[0,7],'data_offsets':[24,24]},"
              + "'y':{'shape':[3],'data_offsets':[24,27],'dtype':'BOOL'}}",
          27),
      file("{}", 0),
      Files.readAllBytes(SafeTensorsTest.reference()),
    };
    Map<String, Integer> refused = new LinkedHashMap<>();
    CHECKS.forEach(check -> refused.put(check, 0));
    int accepted = 0;
    long start = System.nanoTime();
    for (int i = 0; i < FILES; i++) {
      // The reference file is twenty times as long as the others: it takes its turn less often.
      byte[] seed = seeds[i % 10 == 9 ? 4 : i % 4];
      String complaint = read(tampered(seed));
      if (complaint == null) {
        accepted++;
      } else {
        refused.merge(check(complaint), 1, Integer::sum);
      }
    }
    double seconds = (System.nanoTime() - start) * 1e-9;
    int all = refused.values().stream().mapToInt(Integer::intValue).sum();
    System.out.printf(
        "%,d tampered headers in %.1f s: %,d accepted, %,d refused by %d" + " checks%n",
        accepted + all, seconds, accepted, all, refused.size());
    assertEquals(FILES, accepted + all);
    // Changes inside names, and of a type to another of its width, are no errors.
    assertTrue(accepted > FILES / 100 && accepted < FILES / 2, accepted + " accepted");
    refused.forEach((check, count) -> assertTrue(count > 100, check + ": " + refused));
  }

  /** Reads a file to the end; null, or what it was refused for. */
  private static String read(byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      SafeTensors file = SafeTensors.parse(PATH, MemorySegment.ofArray(bytes), arena);
      long covered = 0;
      for (SafeTensors.Entry entry : file.entries().values()) {
        MemorySegment data = entry.data();
        assertEquals(entry.shape().elements() * entry.type().bytes(), data.byteSize());
        if (data.byteSize() > 0) {
          covered += data.byteSize();
          data.get(ValueLayout.JAVA_BYTE, 0);
          data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
        }
      }
      long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertEquals(bytes.length - 8 - header, covered);
      return null;
    } catch (WeightsException e) {
      String message = e.getMessage();
      assertTrue(message.startsWith("fuzzed: ") && message.length() < 1_000, message);
      assertTrue(message.indexOf('\n') < 0 && message.indexOf('\r') < 0, message);
      return message;
    }
  }

  /** Which check a file failed; a complaint that is none of them fails the test. */
  private static String check(String complaint) {
    return CHECKS.stream()
        .filter(complaint::contains)
        .findFirst()
        .orElseThrow(() -> new AssertionError(complaint));
  }

  private byte[] tampered(byte[] seed) {
    byte[] bytes = seed;
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      bytes = edited(bytes, seed);
    }
    return bytes;
  }

  private byte[] edited(byte[] before, byte[] seed) {
    int header = (int) ByteBuffer.wrap(seed).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] bytes = before.clone();
    int at = 8 + random.nextInt(Math.max(1, Math.min(header, bytes.length - 8)));
    if (bytes.length < 10) {
      return bytes;
    }
    byte[] token = TOKENS[random.nextInt(TOKENS.length)];
    switch (random.nextInt(40)) {
      case 0, 1, 2 -> bytes[at] = (byte) random.nextInt(256);
      case 3, 4, 5 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 6, 7, 8, 9 ->
          System.arraycopy(token, 0, bytes, at, Math.min(token.length, bytes.length - at));
      case 10, 11, 12, 13 -> {
        int from = 8 + random.nextInt(header);
        int length = Math.min(random.nextInt(40), Math.min(seed.length - from, bytes.length - at));
        System.arraycopy(seed, from, bytes, at, length);
      }
      case 14, 15, 16, 17 -> bytes = spliced(bytes, at, 0, token);
      case 18, 19, 20, 21 ->
          bytes = spliced(bytes, at, Math.min(random.nextInt(20), bytes.length - at), token);
      case 22, 23, 24, 25, 26, 27 -> {
        int digit = nextDigit(bytes, at);
        bytes[digit] = digit == at ? bytes[at] : (byte) ('0' + random.nextInt(10));
      }
      case 28, 29 ->
          bytes = Arrays.copyOf(bytes, Math.max(8, bytes.length + random.nextInt(24) - 12));
      case 30 -> bytes[random.nextInt(8)] = (byte) random.nextInt(256); // the length
      default -> bytes = moved(bytes, at);
    }
    return bytes;
  }

  /** Replaces {@code removed} bytes, and corrects the header's length so that it is read at all. */
  private static byte[] spliced(byte[] bytes, int at, int removed, byte[] token) {
    byte[] whole = new byte[bytes.length - removed + token.length];
    System.arraycopy(bytes, 0, whole, 0, at);
    System.arraycopy(token, 0, whole, at, token.length);
    int rest = at + removed;
    System.arraycopy(bytes, rest, whole, at + token.length, bytes.length - rest);
    ByteBuffer length = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
    length.putLong(0, length.getLong(0) + token.length - removed);
    return whole;
  }

  /** Moves a tensor: both its offsets by the same. */
  private byte[] moved(byte[] bytes, int at) {
    Matcher offsets = OFFSETS.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
    if (!offsets.find(at)) {
      return bytes;
    }
    int by = random.nextInt(17) - 8;
    String pair =
        "[%d,%d]"
            .formatted(
                Integer.parseInt(offsets.group(1)) + by, Integer.parseInt(offsets.group(2)) + by);
    byte[] token = pair.getBytes(StandardCharsets.US_ASCII);
    return spliced(bytes, offsets.start(), offsets.end() - offsets.start(), token);
  }

  private static int nextDigit(byte[] bytes, int at) {
    for (int i = at; i < bytes.length; i++) {
      if (bytes[i] >= '0' && bytes[i] <= '9') {
        return i;
      }
    }
    return at;
  }
}
