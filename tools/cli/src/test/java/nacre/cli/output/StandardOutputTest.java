package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StandardOutputTest {
  private static final String HOSTILE = "a\u001b]0;title\u0007b\u009bc\u007fd\be";
  private static final String KEPT = "é 漢 🦊 \u00a0 ½\ttab\r\n";

  private static String printed(Charset charset, String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    StandardOutput out = new StandardOutput(bytes, charset);
    out.text().print(text);
    assertEquals(Optional.empty(), out.failure());
    return bytes.toString(charset);
  }

  @Test
  void controlCharactersBecomeQuestionMarks() {
    assertEquals("a?]0;title?b?c?d?e", printed(StandardCharsets.UTF_8, HOSTILE));
    assertEquals("a?]0;title?b?c?d?e", printed(StandardCharsets.ISO_8859_1, HOSTILE));
    assertEquals("a?]0;title?b?c?d?e", printed(StandardCharsets.US_ASCII, HOSTILE));
    StringWriter err = new StringWriter();
    HarmlessWriter.of(err).print(HOSTILE);
    assertEquals("a?]0;title?b?c?d?e", err.toString());
  }

  @Test
  void everyOtherCharacterPasses() {
    assertEquals(KEPT, printed(StandardCharsets.UTF_8, KEPT));
    StringWriter err = new StringWriter();
    HarmlessWriter.of(err).print(KEPT);
    assertEquals(KEPT, err.toString());
  }

  /** U+0080 and U+00A0 begin with the same byte in UTF-8. */
  @Test
  void charactersMayComeByteByByte() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream text = new StandardOutput(bytes, StandardCharsets.UTF_8).text();
    for (byte b : "½\u0085é\u00bf".getBytes(StandardCharsets.UTF_8)) {
      text.write(b);
    }
    text.flush();
    assertEquals("½?é\u00bf", bytes.toString(StandardCharsets.UTF_8));
  }

  private static Optional<String> failure(String reason) {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(reason);
          }
        };
    StandardOutput out = new StandardOutput(full, StandardCharsets.UTF_8);
    out.text().println("lost");
    return out.failure();
  }

  @Test
  void failuresAreRemembered() {
    assertEquals(Optional.of("No space left on device"), failure("No space left on device"));
    assertEquals(Optional.empty(), failure("Broken pipe")); // nobody wants more of it
  }

  @Test
  void soAreThoseThatAPrintStreamSwallows() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("full");
          }
        };
    StandardOutput out = new StandardOutput(new PrintStream(full), StandardCharsets.UTF_8);
    out.text().println("lost");
    assertEquals(Optional.of("an output error"), out.failure());
  }
}
