package nacre.cli.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nacre.cli.Nacre;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VerifyCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private int run(Object... args) {
    return Nacre.commandLine(new PrintWriter(err, true))
        .setOut(new PrintWriter(out, true))
        .execute(
            Stream.concat(Stream.of("verify"), Stream.of(args).map(Object::toString))
                .toArray(String[]::new));
  }

  private static Path bundle(String name) {
    return BundlesTest.BUNDLES.resolve(name);
  }

  /** A copy of a bundle whose case.json has one text replaced by another. */
  private Path changed(String name, String text, String by) throws IOException {
    Path copy = Files.createDirectories(folder.resolve(name));
    String description = Files.readString(bundle(name).resolve("case.json"));
    assertTrue(description.contains(text), description);
    Files.writeString(copy.resolve("case.json"), description.replace(text, by));
    Files.copy(bundle(name).resolve("tensors.safetensors"), copy.resolve("tensors.safetensors"));
    return copy;
  }

  private void assertRefused(Path bundle, String reason) {
    assertEquals(2, run(bundle));
    String message = err.toString();
    assertEquals(1, message.lines().count(), message);
    assertTrue(message.contains(reason) && message.contains(bundle.toString()), message);
  }

  @Test
  void oneRowForEachTensor() {
    assertEquals(0, run(bundle("linear"), bundle("silu")));
    List<String> rows = out.toString().lines().toList();
    assertEquals(4 + 2 + 1, rows.size(), out.toString());
    assertTrue(rows.stream().limit(6).allMatch(row -> row.startsWith("pass  ")), out.toString());
    assertEquals(
        "6 tensors of 2 bundles compared, 0 off; tensors left in memory: 0", rows.getLast());
    assertTrue(rows.getFirst().matches("pass  linear  \\S+  \\S+  output.out"), rows.getFirst());
  }

  @Test
  void oneTensorOffIsOne() {
    assertEquals(1, run("--tolerance", "1e-12", bundle("linear"), bundle("ddim-sd15-linspace")));
    assertTrue(out.toString().contains("FAIL  linear "), out.toString());
    assertTrue(out.toString().contains("pass  ddim-sd15-linspace "), "timesteps are exact");
  }

  @Test
  void anotherFunctionIsOff() throws IOException {
    assertEquals(1, run(changed("gelu", "\"none\"", "\"tanh\"")));
  }

  @Test
  void otherDevicesAndTypes() {
    assertEquals(0, run("--device", "reference", "--dtype", "bfloat16", bundle("conv2d-3x3")));
    assertEquals(1, run("--dtype", "bfloat16", "--tolerance", "1e-4", bundle("conv2d-3x3")));
  }

  @Test
  void unreadableBundlesAreTwoAndTheOthersStillRun() {
    assertEquals(2, run(folder.resolve("none"), bundle("silu")));
    assertTrue(out.toString().contains("pass  silu "), out.toString());
    assertTrue(err.toString().contains("none: no bundle"), err.toString());
  }

  @Test
  void unknownModule() throws IOException {
    assertRefused(changed("silu", "SiLU", "Mish"), "module Mish is not known; known are AdamW,");
  }

  @Test
  void malformedDescription() throws IOException {
    assertRefused(changed("silu", "\"config\":", "\"config\""), "is not valid JSON");
  }

  @Test
  void missingTensors() throws IOException {
    Path bundle = changed("silu", "SiLU", "SiLU");
    Files.delete(bundle.resolve("tensors.safetensors"));
    assertRefused(bundle, "no such file");
  }

  @Test
  void truncatedTensors() throws IOException {
    Path bundle = changed("silu", "SiLU", "SiLU");
    Path file = bundle.resolve("tensors.safetensors");
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(whole, whole.length - 1));
    assertRefused(bundle, "tensors.safetensors");
  }

  @Test
  void weightsThatDoNotFit() throws IOException {
    Path bundle = changed("linear", "\"in_features\": 13", "\"in_features\": 12");
    assertRefused(bundle, "weight is [7, 13], [7, 12] is wanted");
  }

  @Test
  void inputThatDoesNotFit() throws IOException {
    assertRefused(changed("softmax", "Softmax", "ScaledDotProductAttention"), "input.query");
  }

  /** Bundles made by hand: what does not fit is said in words, and the others still run. */
  @Test
  void thingsThatDoNotFitEachOther() throws IOException {
    Path softmax = changed("softmax", "\"dim\": -1", "\"dim\": 7");
    assertEquals(2, run(softmax, bundle("silu")));
    assertTrue(err.toString().contains("Softmax: dim is 7"), err.toString());
    assertTrue(out.toString().contains("pass  silu "), out.toString());
  }

  @Test
  void moreStepsThanTheBundleHas() throws IOException {
    String steps = "\"num_inference_steps\": ";
    Path bundle = changed("ddim-sd15-linspace", steps, steps + "9");
    assertRefused(bundle, "for each step is wanted, and step");
  }

  @Test
  void settingThatIsNotBuilt() throws IOException {
    Path bundle = changed("conv2d-3x3", "\"stride\": 1", "\"stride\": 1, \"groups\": 5");
    assertRefused(bundle, "groups = 5 is not supported");
  }

  @Test
  void wrongOptions() {
    assertEquals(2, run());
    assertEquals(2, run("--device", "abacus", bundle("silu")));
    assertTrue(err.toString().contains("no device 'abacus'"), err.toString());
    assertEquals(2, run("--dtype", "int8", bundle("silu")));
    assertTrue(err.toString().contains("'int8' is not known"), err.toString());
  }
}
