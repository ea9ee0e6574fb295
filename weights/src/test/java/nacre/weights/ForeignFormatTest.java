package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of other formats than their names say are recognized, with a remedy. */
class ForeignFormatTest {
  @TempDir Path folder;

  private String refused(byte[] content) throws IOException {
    Path file = folder.resolve("model.safetensors");
    Files.write(file, content);
    WeightsException e =
        assertThrows(WeightsException.class, () -> StateDict.open(folder, "model"));
    String message = e.getMessage();
    assertEquals(1, message.lines().count(), message);
    assertTrue(message.startsWith(file + ": "), message);
    return message.substring((file + ": ").length());
  }

  private void assertIs(String words, byte[] content) throws IOException {
    String message = refused(content);
    assertTrue(message.startsWith("not a safetensors file but " + words), message);
    assertTrue(message.contains(": ") && message.length() > words.length() + 40, message);
  }

  /** Where only safetensors will do. */
  private void assertIsToSafeTensors(String words, byte[] content) throws IOException {
    Path file = folder.resolve("model.safetensors");
    Files.write(file, content);
    WeightsException e = assertThrows(WeightsException.class, () -> SafeTensors.open(file));
    assertEquals(
        file
            + ": not a safetensors file but "
            + words
            + "only safetensors will do here; `nacre weights convert` makes one of it",
        e.getMessage());
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void gitLfsPointers() throws IOException {
    String rest = "spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 3438167540\n";
    for (String host : new String[] {"git-lfs.github.com", "hawser.github.com"}) {
      assertEquals(
          "not a safetensors file but a Git LFS pointer: run `git lfs pull` in its repository, or"
              + " download the file itself",
          refused(ascii("version https://" + host + "/" + rest)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {ZipEntry.STORED, ZipEntry.DEFLATED})
  void checkpointsOfPyTorch(int method) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      ZipEntry entry = new ZipEntry("archive/data.pkl");
      byte[] pickle = {(byte) 0x80, 2, '}', '.'};
      entry.setMethod(method);
      entry.setSize(pickle.length);
      CRC32 crc = new CRC32();
      crc.update(pickle);
      entry.setCrc(crc.getValue());
      zip.putNextEntry(entry);
      zip.write(pickle);
    }
    assertIsToSafeTensors(
        "a zip archive, as PyTorch's .ckpt, .pt and .bin files are: ", bytes.toByteArray());
  }

  /** How torch.save began before its zip format, and pickles of protocols 2 to 5. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "80028a0a6cfc9c46f9206aa850192e8002",
        "80027d71002858060000006d6f64656c",
        "80037d71002858060000006d6f64656c",
        "80049517000000000000007d948c056d6f64656c944b01732e",
        "800595170000000000000000000000000000"
      })
  void pickles(String start) throws IOException {
    byte[] bytes = Arrays.copyOf(HexFormat.of().parseHex(start), 4000);
    assertIsToSafeTensors("a pickle, as older .ckpt, .pt and .bin files of PyTorch are: ", bytes);
  }

  @Test
  void tarArchives() throws IOException {
    byte[] tar = new byte[1024];
    System.arraycopy(ascii("sys_info"), 0, tar, 0, 8);
    System.arraycopy(ascii("ustar"), 0, tar, 257, 5);
    assertIs("a tar archive, as PyTorch wrote before 2017: ", tar);
  }

  @Test
  void otherBinaryFormats() throws IOException {
    byte[] gguf = Arrays.copyOf(new byte[] {'G', 'G', 'U', 'F', 3, 0, 0, 0, 9}, 4000);
    assertIs("a GGUF file: ", gguf);
    byte[] numpy = Arrays.copyOf(HexFormat.of().parseHex("934e554d5059010076007b27"), 4000);
    assertIs("a NumPy array: ", numpy);
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(Files.readAllBytes(SafeTensorsTest.reference()));
    }
    assertIs("compressed with gzip: unpack it", packed.toByteArray());
    assertIs("zeros: its download did not finish", new byte[4000]);
    assertEquals(
        "not a safetensors file but an empty one: download it again", refused(new byte[0]));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<!DOCTYPE html><html class=\"\"> | a web page",
        "\ufeff <!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"> | a web page",
        "<html><head><title>401 Authorization Required</title> | a web page",
        "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC><html xmlns=\"x\"> | a web page",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code> | an XML doc",
        "<Error><Code>NoSuchKey</Code></Error> | an XML document",
        "{\"error\":\"Access to model is restricted.\"} | JSON text",
        "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\"a\": \"b\"}} | JSON text",
        "[] | JSON text",
        "Entry not found | text, \"Entry not found\": it may be a server's error message",
        "Häufig gefragt | text, \"Häufig gefragt\"",
        "no | text, \"no\"",
      })
  void texts(String content, String words) throws IOException {
    assertIs(words, ascii(content));
    assertIs(words, ascii("\n\t" + content + "\r\n" + "more of it\n".repeat(1000)));
  }

  @Test
  void aLongTextIsQuotedInPart() throws IOException {
    String message = refused(ascii("x".repeat(100_000)));
    assertTrue(message.length() < 400, message);
    assertTrue(message.contains("xxx…\""), message);
  }

  /** A header's length is any number, and so may begin as another format does. */
  @ParameterizedTest
  @ValueSource(ints = {0x0280, 0x0480, 0x8b1f, 0x088b1f, 0x4b50})
  void safetensorsAreTakenForNothingElse(int length) throws IOException {
    String text = "{\"a\":{\"dtype\":\"U8\",\"shape\":[99],\"data_offsets\":[0,99]}}";
    byte[] header = ascii(text + " ".repeat(length - text.length()));
    byte[] whole = HeaderFile.bytes(header, 99);
    Path file = folder.resolve("whole.safetensors");
    Files.write(file, whole);
    try (SafeTensors open = SafeTensors.open(file)) {
      assertEquals(99, open.entry("a").data().byteSize());
    }
    assertTrue(refused(Arrays.copyOf(whole, length / 2)).contains("may be truncated"));
    assertTrue(refused(Arrays.copyOf(whole, length + 50)).contains("may be truncated"));
    assertTrue(refused(Arrays.copyOf(whole, 9)).contains("may be truncated"));
  }

  /** What is named must be certain: other bytes are told by what is wrong with them. */
  @Test
  void whatIsNotRecognizedIsNotNamed() throws IOException {
    byte[] noise = new byte[4000];
    new Random(3).nextBytes(noise);
    String message = refused(noise);
    assertTrue(message.startsWith("not a safetensors file: it claims a header of "), message);
    assertEquals("not a safetensors file: it has 7 bytes", refused(new byte[7]));
    assertEquals("not a safetensors file: it has 2 bytes", refused(new byte[] {'P', 1}));
    byte[] high = new byte[4000];
    Arrays.fill(high, (byte) 0xe9); // no control characters, but not UTF-8
    message = refused(high);
    assertTrue(message.startsWith("not a safetensors file: it claims a header of "), message);
    byte[] zeros = new byte[4000];
    zeros[300] = 1;
    assertEquals("not a safetensors file: its header is not a JSON object", refused(zeros));
  }
}
