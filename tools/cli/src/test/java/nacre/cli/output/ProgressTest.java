package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private long nanos;

  private Progress start(Progress.Limit limit, long stepsDone, boolean terminal, int width) {
    return Progress.start(out, limit, stepsDone, () -> 210_000_000L, () -> nanos, terminal, width);
  }

  private void run(Progress progress, int from, int to, double loss) {
    for (int step = from; step <= to; step++) {
      nanos += 200_000_000L; // five steps a second
      progress.step(step, loss, 32);
    }
  }

  private String printed() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  /** What a terminal shows in the end: carriage returns go back to the start of the line. */
  private List<String> screen() {
    return Arrays.stream(printed().split("\n"))
        .map(
            line -> {
              StringBuilder shown = new StringBuilder();
              for (String over : line.split("\r")) {
                shown.replace(0, Math.min(shown.length(), over.length()), over);
              }
              return shown.toString().stripTrailing();
            })
        .toList();
  }

  /** 20 of 100 bytes in 11 seconds leave 44; what is read at once is not worth a line. */
  @Test
  void aPhaseBesideTheStepsHasAnEstimate() {
    try (Progress progress = start(new Progress.Limit.Steps(10), 0, false, 80)) {
      progress.phase("reading vae", 0, 50);
      progress.phase("reading vae", 50, 50);
      progress.phase("reading unet", 0, 100);
      nanos += 11_000_000_000L;
      progress.phase("reading unet", 20, 100);
      nanos += 1_000_000_000L;
      progress.phase("reading unet", 30, 100);
      progress.phase("reading unet", 100, 100);
    }
    assertEquals("reading unet  20%  44s left\n", printed());
  }

  @Test
  void aPhaseIsWipedFromTheTerminalWhenItIsOver() {
    try (Progress progress = start(new Progress.Limit.Steps(10), 0, true, 80)) {
      progress.phase("decoding pictures", 0, 4);
      nanos += 2_000_000_000L;
      progress.phase("decoding pictures", 1, 4);
      assertEquals(List.of("decoding pictures  25%  6s left"), screen());
      progress.phase("decoding pictures", 4, 4);
    }
    assertEquals(List.of(""), screen());
  }

  @Test
  void withoutATerminalALineComesNowAndThen() {
    try (Progress progress = start(new Progress.Limit.Steps(2500), 1000, false, 80)) {
      run(progress, 1001, 1200, 0.0812);
      progress.note("checkpoint written");
    }
    List<String> lines = printed().lines().toList();
    assertEquals(5, lines.size(), printed()); // 40 s and the note; the end was told already
    assertTrue(
        lines.get(3).startsWith("step 1200/2500  48%  loss 0.0812  160 images/s  4m 20s left  "),
        lines.get(3));
    assertTrue(lines.get(3).endsWith("tensors 210 MB"), lines.get(3));
    assertEquals("checkpoint written", lines.get(4));
    assertFalse(printed().contains("\r"));
  }

  @Test
  void whatIsCountedIsNamed() {
    try (Progress progress = start(new Progress.Limit.Steps(4, "scene"), 0, false, 80)) {
      nanos += 2_000_000_000L;
      progress.step(4, 4);
    }
    assertTrue(printed().startsWith("scene 4/4  100%  2.0 images/s  done"), printed());
  }

  @Test
  void onATerminalOneLineIsDrawnOver() {
    try (Progress progress = start(new Progress.Limit.Steps(2500), 0, true, 120)) {
      run(progress, 1, 600, 1);
      progress.note("checkpoint written");
      run(progress, 601, 1250, 0.5);
    }
    List<String> screen = screen();
    assertEquals(2, screen.size(), screen.toString());
    assertEquals("checkpoint written", screen.getFirst());
    assertTrue(
        screen.getLast().matches("1250/2500 \\[=+> +]  50%  loss 0\\.5000 .*"), screen.getLast());
    assertTrue(screen.getLast().length() < 120, screen.getLast());
  }

  @Test
  void narrowTerminalsAreNotOverrun() {
    for (int width : new int[] {20, 79, 80, 100}) {
      bytes.reset();
      try (Progress progress = start(new Progress.Limit.Steps(100), 0, true, width)) {
        run(progress, 1, 50, 1);
      }
      screen().forEach(line -> assertTrue(line.length() < width, line));
    }
  }

  @Test
  void aTimeLimitCountsEarlierStarts() {
    Duration minute = Duration.ofMinutes(1);
    try (Progress progress =
        start(new Progress.Limit.Time(minute.multipliedBy(4), minute), 300, false, 80)) {
      run(progress, 301, 600, 0.5);
    }
    String last = printed().lines().toList().getLast();
    assertTrue(last.startsWith("step 600  50%  loss 0.5000  160 images/s  2m 00s left"), last);
  }

  @Test
  void aLossThatIsNotANumberIsShown() {
    try (Progress progress = start(new Progress.Limit.Steps(10), 0, false, 80)) {
      run(progress, 1, 9, 0.5);
      run(progress, 10, 10, Double.NaN);
    }
    assertTrue(printed().contains("100%  loss NaN"), printed());
    assertTrue(printed().contains("done"), printed());
  }

  @Test
  void sizesAndTimesAreShort() {
    assertEquals("45s", Progress.duration(Duration.ofSeconds(45)));
    assertEquals("8m 04s", Progress.duration(Duration.ofSeconds(484)));
    assertEquals("1h 02m", Progress.duration(Duration.ofSeconds(3725)));
    assertEquals("2d 03h", Progress.duration(Duration.ofHours(51)));
    assertEquals("612 MB", Progress.bytes(612_000_000));
    assertEquals("3.1 GB", Progress.bytes(3_100_000_000L));
    assertEquals("1.0 GB", Progress.bytes(999_999_999));
  }

  @Test
  void residentMemoryGrowsWithWhatIsTouched() {
    ResidentMemory.bytes()
        .ifPresent(
            before -> {
              byte[] block = new byte[200 << 20];
              Arrays.fill(block, (byte) 1);
              long after = ResidentMemory.bytes().orElseThrow();
              assertTrue(after > 200 << 20, before + " " + after + " " + block[5]);
            });
  }
}
