package nacre.cli.texttoimage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import nacre.cli.options.Sampling;
import nacre.cli.options.Seed;
import nacre.diffusion.Phase;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.schedule.SchedulerKind;
import nacre.diffusion.schedule.SchedulerName;
import nacre.diffusion.schedule.Schedulers;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/** How often {@code sample --prompt} reads weights, and what it says of schedulers. */
class ReadsTest {
  private static final Path MODEL = Path.of("src/test/resources/tiny-sd/model");

  @TempDir Path out;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private Map<Component, Integer> reads(String... more) throws IOException {
    TextToImage command = new TextToImage();
    Map<Component, Integer> reads = new EnumMap<>(Component.class);
    command.onPhase =
        phase -> {
          if (phase.kind() == Phase.Kind.READ && phase.done() == 0) {
            reads.merge(phase.component(), 1, Integer::sum);
          }
        };
    String[] words = {"--prompt", "a fox", "--size", "32", "--batch", "1"};
    new CommandLine(command)
        .parseArgs(Stream.concat(Stream.of(words), Stream.of(more)).toArray(String[]::new));
    command.run(MODEL, Device.cpu(), new Sampling(1, null, Seed.of(3), 8, out, false));
    try (Stream<Path> files = Files.list(out)) {
      assertEquals(8, files.count());
    }
    return reads;
  }

  @Test
  void weightsAreReadOnceForManyPictures() throws IOException {
    Map<Component, Integer> once =
        Map.of(Component.TEXT_ENCODER, 1, Component.UNET, 1, Component.VAE, 1);
    assertEquals(once, reads());
    assertEquals(once, reads("--residency", "all"));
  }

  @Test
  void oneAtATimeReadsThemForEachBatch() throws IOException {
    Map<Component, Integer> each =
        Map.of(Component.TEXT_ENCODER, 1, Component.UNET, 8, Component.VAE, 8);
    assertEquals(each, reads("--residency", "one"));
  }

  @Test
  void theHelpListsTheTableOfSchedulers() {
    String help = new CommandLine(new TextToImage()).getUsageMessage(Ansi.OFF);
    String names = String.join(", ", new SchedulerNames());
    assertTrue(help.replaceAll("\\s+", " ").contains(names + "; most"), help);
  }

  /** The manual's table of schedulers is that of the program. */
  @Test
  void theManualListsTheTableOfSchedulers() throws IOException {
    StringBuilder table =
        new StringBuilder("| `--scheduler` | class in diffusers | | elsewhere |\n");
    table.append("| --- | --- | --- | --- |\n");
    for (SchedulerKind kind : Schedulers.all()) {
      for (SchedulerName name : kind.names()) {
        String aliases = String.join("`, `", name.aliases());
        table.append(
            "| `%s` | `%s` | %s | %s |\n"
                .formatted(
                    name.name(),
                    kind.className(),
                    name.description(),
                    aliases.isEmpty() ? "" : "`" + aliases + "`"));
      }
    }
    String page = Files.readString(Path.of("../../docs/cli.md"));
    assertTrue(page.contains(table), "docs/cli.md should have:\n" + table);
  }
}
