package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every kind of malformed file gives a one-line error that names the fault. */
class MalformedFileTest {
  @TempDir Path folder;

  private WeightsException refused(Path file) {
    WeightsException e = assertThrows(WeightsException.class, () -> SafeTensors.open(file));
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    return e;
  }

  /** Single quotes stand for double ones; 8 bytes of data follow each header. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | its header is not a JSON object",
        "` {}` | its header is not a JSON object",
        "{ | header is not valid JSON",
        "{'a' | header is not valid JSON",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} x | header is not valid JSON",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}{} | goes on after its JSON object",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
            + "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | Duplicate field 'a'",
        "{'a':{'dtype':'F32','dtype':'F32','shape':[2],'data_offsets':[0,8]}} | Duplicate field",
        "{'__metadata__':[]} | __metadata__: is not a JSON object",
        "{'__metadata__':{'k':1}} | __metadata__: value of 'k' is not a string",
        "{'a':7} | tensor a: its entry is not a JSON object",
        "{'a':{'shape':[2],'data_offsets':[0,8]}} | tensor a: has no dtype",
        "{'a':{'dtype':'F32','data_offsets':[0,8]}} | tensor a: has no shape",
        "{'a':{'dtype':'F32','shape':[2]}} | tensor a: has no data_offsets",
        "{'a':{'dtype':4,'shape':[2],'data_offsets':[0,8]}} | tensor a: dtype is not a string",
        "{'a':{'dtype':'F33','shape':[2],'data_offsets':[0,8]}} | tensor a: dtype F33 is not known",
        "{'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}} | tensor a: shape is not an array",
        "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}} | tensor a: shape holds something",
        "{'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}} | tensor a: shape holds somethi",
        "{'a':{'dtype':'F32','shape':[[2]],'data_offsets':[0,8]}} | tensor a: shape holds somethi",
        "{'a':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,8]}} | shape holds",
        "{'a':{'dtype':'F32','shape':[4294967298],'data_offsets':[0,8]}} | is too large",
        "{'a':{'dtype':'F32','shape':[2147483647,2147483647,9],'data_offsets':[0,8]}} | too large",
        "{'a':{'dtype':'F64','shape':[2147483647,2147483647],'data_offsets':[0,8]}} | too large",
        "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}} | takes 12 bytes, data_offsets giv",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}} | [8, 0] run backwards",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8]}} | data_offsets has 1 numbers, not 2",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8,8]}} | has 3 numbers, not 2",
        "{'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}} | reach beyond the 8 bytes",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | leave a hole of 4 bytes",
        "{'a':{'dtype':'U8','shape':[6],'data_offsets':[0,6]},'b':{'dtype':'U8','shape':[4],'data_offsets':[4,8]}}"
            + " | tensor b: data_offsets [4, 8] over",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 4 bytes after the last tensor",
        "{} | 8 bytes after the last tensor belong to none",
      })
  void headers(String header, String message) throws IOException {
    Path file = folder.resolve("bad.safetensors");
    HeaderFile.write(file, header.replace('\'', '"'), 8);
    String said = refused(file).getMessage();
    assertTrue(said.contains(message), said);
  }

  @Test
  void lengths() throws IOException {
    Path file = folder.resolve("bad.safetensors");
    assertEquals(file + ": no such file", refused(file).getMessage());
    assertEquals(folder + ": is not a file", refused(folder).getMessage());
    Files.write(file, new byte[7]);
    assertTrue(refused(file).getMessage().endsWith("not a safetensors file: it has 7 bytes"));
    for (long length : new long[] {-1, Long.MIN_VALUE, 100_000_001, 1_000}) {
      byte[] bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
      Files.write(file, bytes);
      String said = refused(file).getMessage();
      assertTrue(said.contains(Long.toUnsignedString(length)), said);
    }
    Files.write(file, HeaderFile.bytes(new byte[] {'{', '"', (byte) 0xff, '"'}, 0));
    assertTrue(refused(file).getMessage().endsWith("its header is not UTF-8"));
  }

  @Test
  void aTruncatedFileIsRecognizedWhereverItWasCut() throws IOException {
    byte[] whole = Files.readAllBytes(SafeTensorsTest.reference());
    Path file = folder.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length += 1 + length / 97) {
      Files.write(file, Arrays.copyOf(whole, length));
      refused(file);
    }
  }

  @Test
  void aHostileNameStaysOnOneLine() throws IOException {
    Path file = folder.resolve("bad.safetensors");
    String name = "a\\n\\u001b[31m\\u2028" + "x".repeat(1000);
    HeaderFile.write(file, "{\"" + name + "\":{}}", 0);
    String said = refused(file).getMessage();
    assertTrue(said.length() < file.toString().length() + 300, said);
    assertTrue(said.indexOf('\u001b') < 0 && said.indexOf('\u2028') < 0, said);
  }

  /** The format's limit, reached by the blanks that may follow the JSON and by one long string. */
  @Test
  void headersUpToTheLimitAreRead() throws IOException {
    Path file = folder.resolve("long.safetensors");
    int limit = (int) SafeTensors.MAX_HEADER;
    String entry = "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    for (String middle : List.of("", "\"__metadata__\":{\"k\":\"")) {
      byte[] header = new byte[limit];
      Arrays.fill(header, (byte) ' ');
      byte[] start = ("{" + middle).getBytes(StandardCharsets.UTF_8);
      byte[] end = ((middle.isEmpty() ? "" : "\"},") + entry).getBytes(StandardCharsets.UTF_8);
      System.arraycopy(start, 0, header, 0, start.length);
      System.arraycopy(end, 0, header, limit - end.length, end.length);
      Files.write(file, HeaderFile.bytes(header, 1));
      try (SafeTensors open = SafeTensors.open(file)) {
        assertEquals(Set.of("a"), open.entries().keySet());
      }
    }
    Files.write(file, HeaderFile.bytes(new byte[limit + 1], 1));
    assertTrue(refused(file).getMessage().endsWith("at most 100000000 are allowed"));
  }
}
