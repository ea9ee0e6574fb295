package nacre.cli;

import java.util.stream.Stream;

/** {@code java -jar sample.jar …}: the same as {@code nacre sample …}. */
public final class SampleMain {
  private SampleMain() {}

  /** Runs the command and ends the JVM with its exit status. */
  public static void main(String[] args) {
    Nacre.main(Stream.concat(Stream.of("sample"), Stream.of(args)).toArray(String[]::new));
  }
}
