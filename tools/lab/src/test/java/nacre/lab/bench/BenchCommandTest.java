package nacre.lab.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.cli.Nacre;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.model.Preset;
import nacre.tensor.Memory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nacre bench train-step} and {@code edit}, by way of the command line that finds it. */
class BenchCommandTest {
  @TempDir private Path folder;

  private record Run(int status, String out, String err) {}

  private static Run bench(String... words) {
    return run("train-step", words);
  }

  private static Run run(String bench, String... words) {
    String[] args = new String[words.length + 2];
    args[0] = "bench";
    args[1] = bench;
    System.arraycopy(words, 0, args, 2, words.length);
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter err = new StringWriter();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      int status = Nacre.run(args, new PrintWriter(err, true));
      return new Run(status, out.toString(StandardCharsets.UTF_8), err.toString());
    } finally {
      System.setOut(before);
    }
  }

  private static void assertRefused(Run run, String... words) {
    assertEquals(2, run.status(), run.toString());
    assertEquals(1, run.err().lines().count(), run.err());
    for (String word : words) {
      assertTrue(run.err().contains(word), run.err());
    }
  }

  @Test
  void metricsAreATableOfTheirOwn() throws IOException {
    Path json = folder.resolve("metrics.json");
    Run run = run("metrics", "--small", "--seconds", "0.1", "--json", "" + json);
    assertEquals(0, run.status(), run.toString());
    for (String title : new String[] {"LPIPS, VGG16", "LPIPS, AlexNet", "FID's", "ViT-S/16"}) {
      assertEquals(2, run.out().lines().filter(line -> line.contains(title)).count(), run.out());
    }
    assertTrue(Files.readString(json).contains("lpips-vgg-256"));
    assertEquals(0, Memory.liveTensors());
    assertRefused(run("metrics", "--work", "lpips"), "lpips is not known");
  }

  @Test
  void badOptionsAreRefused() {
    assertRefused(bench("--steps", "0"), "--steps is 0");
    assertRefused(bench("--rounds", "0"), "--rounds is 0");
    assertRefused(bench("--preset", "demmo"), "demmo", "demo", "tiny");
    assertRefused(bench("--batch", "0"), "--batch is 0");
    assertRefused(bench("--warm-up", "0"), "--warm-up is 0");
    assertRefused(bench("--dtype", "float8"), "float8", "bfloat16");
  }

  @Test
  void aPeerIsToldTheSameWork() throws IOException {
    Path told = folder.resolve("told.txt");
    Path peer = folder.resolve("peer.sh");
    Files.writeString(peer, "echo \"$@\" > " + told + "\necho '{\"median_ms\": 3}'\n");
    Run timed = bench("--preset", "tiny", "--steps", "1", "--rounds", "1", "--peer", "sh " + peer);
    assertEquals(0, timed.status(), timed.err());
    assertTrue(timed.out().contains("peer    3.00 ms"), timed.out());
    String words = Files.readString(told);
    int slots = DataConfig.of(Preset.builtin("tiny").data().orElseThrow()).slots();
    assertTrue(words.contains("--slots " + slots + " "), words);
    assertTrue(words.contains("--steps 1"), words);
    assertTrue(words.contains("--dtype float32 "), words);
    assertTrue(words.contains("--warmup 10 "), words);
  }

  /** A preset with an autoencoder, in another type and batch than its own. */
  @Test
  void latentsInBfloat16WithABatchOfTheirOwn() throws IOException {
    Path config = folder.resolve("config.json");
    Path told = folder.resolve("told.txt");
    Path peer = folder.resolve("peer.sh");
    Files.writeString(
        peer,
        "echo \"$@\" > "
            + told
            + "\n"
            + "while [ $1 != --config ]; do shift; done\ncp $2 "
            + config
            + "\n"
            + "echo '{\"median_ms\": 3}'\n");
    Run timed =
        bench(
            "--preset",
            "demo",
            "--batch",
            "2",
            "--dtype",
            "bfloat16",
            "--warm-up",
            "1",
            "--steps",
            "1",
            "--rounds",
            "2",
            "--peer",
            "sh " + peer);
    assertEquals(0, timed.status(), timed.err());
    assertTrue(timed.out().contains("preset demo, batch 2, bf16;"), timed.out());
    assertTrue(timed.out().contains("round 2 nacre"), timed.out());
    String words = Files.readString(told);
    assertTrue(words.contains("--dtype bfloat16 "), words);
    assertTrue(words.contains("--warmup 1 "), words);
    Preset asked = Preset.read(config);
    assertEquals(2, asked.training().batchSize());
    assertTrue(asked.vae().isPresent());
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void anEditIsDrawnBesideAPeers() throws IOException {
    Path peer = folder.resolve("peer.sh");
    Files.writeString(peer, "echo \"$@\" > " + folder + "/told\necho '{\"median_ms\": 4}'\n");
    Run timed =
        run(
            "edit",
            "--preset",
            "tiny",
            "--rounds",
            "2",
            "--pictures",
            "2",
            "--dtype",
            "bfloat16",
            "--peer",
            "sh " + peer);
    assertEquals(0, timed.status(), timed.err());
    assertTrue(timed.out().contains("16 by 16 pixels, 5 steps, guidance 1.5, bf16"), timed.out());
    assertTrue(timed.out().contains("round 2 nacre"), timed.out());
    assertTrue(timed.out().contains("peer    4.00 ms"), timed.out());
    String words = Files.readString(folder.resolve("told"));
    assertTrue(words.contains("--pictures 2") && words.contains("--dtype bfloat16 "), words);
    assertEquals(0, Memory.liveTensors());
  }
}
