package nacre.cli.output;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/**
 * Standard output while a command runs. It remembers whether writing failed, which Java's own
 * streams keep to themselves, and replaces control characters, which a terminal would obey: names
 * in files and prompts are printed, and may hold any. Line ends and tabs pass.
 */
public final class StandardOutput {
  private final Watched watched;
  private final Charset charset;

  /** The output of this process; the stream that Java opened may not be used any more. */
  public static StandardOutput ofProcess() {
    return new StandardOutput(new FileOutputStream(FileDescriptor.out), System.out.charset());
  }

  /** The output of a process that is not to be heard. */
  public static StandardOutput discarded() {
    return new StandardOutput(OutputStream.nullOutputStream(), StandardCharsets.UTF_8);
  }

  /**
   * Another output.
   *
   * @param charset of the text in it
   */
  public StandardOutput(OutputStream sink, Charset charset) {
    this.watched = new Watched(sink);
    this.charset = charset;
  }

  /** The stream to print to. */
  public PrintStream text() {
    return new PrintStream(new Harmless(watched, charset), true, charset);
  }

  /**
   * The first failure to write, in a few words. That nobody reads on, as with {@code | head -1}, is
   * none.
   */
  public Optional<String> failure() {
    return watched.failure();
  }

  /** An output stream that remembers its first failure. */
  private static final class Watched extends OutputStream {
    private final OutputStream sink;
    private IOException first;

    Watched(OutputStream sink) {
      this.sink = sink;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      try {
        sink.write(bytes, from, count);
      } catch (IOException e) {
        throw remember(e);
      }
    }

    @Override
    public void flush() throws IOException {
      try {
        sink.flush();
      } catch (IOException e) {
        throw remember(e);
      }
    }

    private synchronized IOException remember(IOException e) {
      if (first == null) {
        first = e;
      }
      return e;
    }

    synchronized Optional<String> failure() {
      if (first == null) {
        boolean failed = sink instanceof PrintStream stream && stream.checkError();
        return failed ? Optional.of("an output error") : Optional.empty();
      }
      String reason = String.valueOf(first.getMessage());
      boolean unread = reason.toLowerCase(Locale.ROOT).contains("pipe");
      return unread ? Optional.empty() : Optional.of(reason);
    }
  }

  /** A filter that replaces control characters by question marks, as {@code ls} does. */
  private static final class Harmless extends OutputStream {
    /** In UTF-8, what the control characters from U+0080 to U+009F begin with. */
    private static final int LEAD = 0xC2;

    private final OutputStream out;
    private final boolean utf8;
    private final boolean latin;
    private boolean led;

    Harmless(OutputStream out, Charset charset) {
      this.out = out;
      this.utf8 = charset.equals(StandardCharsets.UTF_8);
      this.latin = charset.equals(StandardCharsets.ISO_8859_1);
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int count) throws IOException {
      byte[] harmless = new byte[2 * count];
      int size = 0;
      for (int i = from; i < from + count; i++) {
        int b = bytes[i] & 0xFF;
        if (led) {
          led = false;
          if (b < 0xA0) {
            harmless[size++] = '?';
            continue;
          }
          harmless[size++] = (byte) LEAD;
        }
        if (utf8 && b == LEAD) {
          led = true;
          continue;
        }
        boolean control = b < ' ' && b != '\n' && b != '\r' && b != '\t' || b == 0x7F;
        harmless[size++] = control || latin && b >= 0x80 && b < 0xA0 ? (byte) '?' : (byte) b;
      }
      out.write(harmless, 0, size);
    }

    @Override
    public void flush() throws IOException {
      out.flush();
    }
  }
}
