package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Text and JSON that is not UTF-8, or no text at all, says so. */
class TextFileTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("config.json");
  }

  private void assertRefused(String reason) {
    for (Exception e :
        new Exception[] {
          assertThrows(WeightsException.class, () -> TextFile.read(file)),
          assertThrows(WeightsException.class, () -> JsonFile.read(file))
        }) {
      assertEquals(file + ": " + reason, e.getMessage());
    }
  }

  @Test
  void theByteAndItsLineAreNamed() throws IOException {
    Files.write(file, "{\n\"漢\": 1,\n \"é\": 2}".replace("é", "\u0000").getBytes("UTF-8"));
    byte[] bytes = Files.readAllBytes(file);
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = bytes[i] == 0 ? (byte) 0xe9 : bytes[i];
    }
    Files.write(file, bytes);
    assertRefused("is not UTF-8 text: byte 0xe9 in line 3; save it as UTF-8");
    Files.write(file, new byte[] {'{', '}', (byte) 0xc3}); // cut in a character's midst
    assertRefused("is not UTF-8 text: byte 0xc3 in line 1; save it as UTF-8");
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16LE", "UTF-16BE"})
  void utf16IsRecognizedByItsMark(String charset) throws IOException {
    Files.write(file, "\ufeff{\"a\": 1}".getBytes(Charset.forName(charset)));
    assertRefused("is UTF-16 text; save it as UTF-8");
  }

  @Test
  void aMarkBeforeUtf8IsLeftOut() throws IOException {
    Files.writeString(file, "\ufeff{\"a\": \"é\ufeff\"}");
    assertEquals("{\"a\": \"é\ufeff\"}", TextFile.read(file));
    assertEquals("é\ufeff", JsonFile.read(file).get("a").textValue());
  }

  @Test
  void whatIsNoTextIsNamed() throws IOException {
    Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    assertRefused(
        "is a Git LFS pointer: run `git lfs pull` in its repository, or download the file itself");
    Files.writeString(file, "<!DOCTYPE html>\n<html>");
    WeightsException e = assertThrows(WeightsException.class, () -> JsonFile.read(file));
    assertTrue(e.getMessage().startsWith(file + ": is a web page"), e.getMessage());
  }

  @Test
  void filesThatCannotBeRead() throws IOException {
    assertRefused("no such file");
    Files.createDirectory(file);
    assertRefused("is a folder");
  }

  @Test
  void anEmptyFileIsTextButNotJson() throws IOException {
    for (String blank : new String[] {"", " \n", "\ufeff"}) {
      Files.writeString(file, blank, StandardCharsets.UTF_8);
      assertEquals(blank.replace("\ufeff", ""), TextFile.read(file));
      WeightsException e = assertThrows(WeightsException.class, () -> JsonFile.read(file));
      assertEquals(file + ": is empty, a JSON object is wanted", e.getMessage());
    }
  }
}
