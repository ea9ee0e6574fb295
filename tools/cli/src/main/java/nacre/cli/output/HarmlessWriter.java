package nacre.cli.output;

import java.io.FilterWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;

/**
 * A writer that replaces control characters but line ends and tabs by question marks: messages
 * quote names from files, and a terminal would obey what is in them.
 */
public final class HarmlessWriter extends FilterWriter {
  private HarmlessWriter(Writer out) {
    super(out);
  }

  /** A print writer that passes on at each end of a line what is harmless of it. */
  public static PrintWriter of(Writer out) {
    return new PrintWriter(new HarmlessWriter(out), true);
  }

  @Override
  public void write(int c) throws IOException {
    boolean passes = c == '\n' || c == '\r' || c == '\t' || !Character.isISOControl(c);
    out.write(passes ? c : '?');
  }

  @Override
  public void write(char[] text, int from, int count) throws IOException {
    for (int i = from; i < from + count; i++) {
      write(text[i]);
    }
  }

  @Override
  public void write(String text, int from, int count) throws IOException {
    for (int i = from; i < from + count; i++) {
      write(text.charAt(i));
    }
  }
}
