package nacre.cli;

import java.util.stream.Stream;

/** {@code java -jar train.jar …}: the same as {@code nacre train …}. */
public final class TrainMain {
  private TrainMain() {}

  /** Runs the command and ends the JVM with its exit status. */
  public static void main(String[] args) {
    Nacre.main(Stream.concat(Stream.of("train"), Stream.of(args)).toArray(String[]::new));
  }
}
