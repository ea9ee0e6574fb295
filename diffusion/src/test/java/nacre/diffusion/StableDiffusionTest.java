package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import nacre.diffusion.checkpoint.CheckpointWriter;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.DiffusersFolder;
import nacre.diffusion.image.RgbImage;
import nacre.diffusion.text.PromptSyntax;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Conversion;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link StableDiffusion} as a program uses it, on the tiny model. */
class StableDiffusionTest {
  private static final Path MODEL = Path.of("../tools/cli/src/test/resources/tiny-sd/model");

  private final Map<Component, Integer> reads = new EnumMap<>(Component.class);

  private final List<Phase> phases = new ArrayList<>();

  /** The most that was in memory when a component was about to be read. */
  private long besides;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  private LoadOptions counted(Residency residency) {
    return LoadOptions.DEFAULT
        .withResidency(residency)
        .withOnPhase(
            phase -> {
              phases.add(phase);
              if (phase.kind() == Phase.Kind.READ && phase.done() == 0) {
                reads.merge(phase.component(), 1, Integer::sum);
                besides = Math.max(besides, Memory.liveBytes());
              }
            });
  }

  @Test
  void tellsHowFarReadingAndDecodingAre() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu(), counted(Residency.ONE_AT_A_TIME))) {
      fox(sd).count(2).batch(2).drawEach((_, _) -> {});
    }
    for (Component component : Component.values()) {
      List<Phase> reading =
          phases.stream()
              .filter(p -> p.kind() == Phase.Kind.READ && p.component() == component)
              .toList();
      assertTrue(reading.size() > 10, component + ": " + reading.size());
      assertEquals(0, reading.getFirst().done());
      assertEquals(reading.getLast().total(), reading.getLast().done());
      for (int i = 1; i < reading.size(); i++) {
        assertTrue(reading.get(i).done() > reading.get(i - 1).done());
        assertEquals(reading.getFirst().total(), reading.get(i).total());
      }
    }
    assertEquals(
        List.of(0L, 1L, 2L),
        phases.stream().filter(p -> p.kind() == Phase.Kind.DECODE).map(Phase::done).toList());
  }

  private static Prompt fox(StableDiffusion sd) {
    return sd.prompt("a fox").size(32).steps(3).seed(5);
  }

  private static byte[] rgb(BufferedImage image) {
    return RgbImage.of(image).rgb();
  }

  @Test
  void weightsAreReadOnceAndStayUntilItIsClosed() throws IOException {
    List<BufferedImage> drawn = new ArrayList<>();
    try (var sd = StableDiffusion.load(MODEL, Device.cpu(), counted(Residency.ALL))) {
      Map<Component, Integer> once = new EnumMap<>(Component.class);
      Arrays.stream(Component.values()).forEach(component -> once.put(component, 1));
      assertEquals(once, reads);
      assertTrue(Memory.liveTensors() > 0);
      drawn.add(fox(sd).draw());
      long warm = Memory.liveTensors(); // with the layouts that the device chose
      drawn.addAll(fox(sd).count(3).drawAll());
      drawn.add(fox(sd).seed(6).draw());
      assertEquals(once, reads);
      assertEquals(warm, Memory.liveTensors());
    }
    assertEquals(0, Memory.liveTensors());
    assertEquals(5, drawn.size());
    assertArrayEquals(rgb(drawn.get(0)), rgb(drawn.get(1)));
    assertFalse(Arrays.equals(rgb(drawn.get(1)), rgb(drawn.get(2))));
    assertArrayEquals(rgb(drawn.get(2)), rgb(drawn.get(4)));
  }

  @Test
  void oneAtATimeReadsForEachBatchAndKeepsNothing() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu(), counted(Residency.ONE_AT_A_TIME))) {
      assertEquals(Map.of(), reads);
      fox(sd).count(3).drawAll();
      Map<Component, Integer> expected =
          Map.of(Component.TEXT_ENCODER, 1, Component.UNET, 3, Component.VAE, 3);
      assertEquals(expected, reads);
      assertEquals(0, Memory.liveTensors());
      try (var all = StableDiffusion.load(MODEL, Device.cpu())) {
        long three = Memory.liveBytes();
        assertTrue(besides < three / 20, besides + " of " + three);
        assertArrayEquals(rgb(fox(all).draw()), rgb(fox(sd).draw()));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Residency.class)
  void opensWithoutReadingWeights(Residency residency) throws IOException {
    try (var sd = StableDiffusion.open(MODEL, Device.cpu(), counted(residency))) {
      assertEquals(32, sd.size());
      assertEquals(Map.of(), reads);
      assertEquals(0, Memory.liveTensors());
      fox(sd).draw();
      assertEquals(residency != Residency.ONE_AT_A_TIME, Memory.liveTensors() > 0);
    }
  }

  @Test
  void batchesChangeNothing() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      List<BufferedImage> single = fox(sd).scheduler("ddpm").count(3).drawAll();
      List<BufferedImage> pairs = fox(sd).scheduler("ddpm").count(3).batch(2).drawAll();
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(rgb(single.get(i)), rgb(pairs.get(i)));
      }
    }
  }

  @Test
  void beginsFromAPictureOfItsSize() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      BufferedImage start = fox(sd).size(40, 24).draw();
      Prompt again = sd.prompt("a fox").init(start).scheduler("ddim").steps(10);
      assertEquals(8, again.plan().steps());
      BufferedImage near = again.strength(0.1).draw();
      assertEquals(40, near.getWidth());
      assertEquals(24, near.getHeight());
      assertEquals(1, again.plan().steps());
      double little = distance(start, near);
      double much = distance(start, again.strength(1).draw());
      assertTrue(little < much, little + " and " + much);
    }
  }

  private static double distance(BufferedImage a, BufferedImage b) {
    byte[] left = rgb(a);
    byte[] right = rgb(b);
    double sum = 0;
    for (int i = 0; i < left.length; i++) {
      sum += Math.abs((left[i] & 0xFF) - (right[i] & 0xFF));
    }
    return sum / left.length;
  }

  @Test
  void stepsOfAllPicturesAreCountedTogether() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      List<String> steps = new ArrayList<>();
      List<String> seeds = new ArrayList<>();
      fox(sd)
          .scheduler("euler")
          .seed(-1)
          .count(3)
          .batch(2)
          .onStep((step, of) -> steps.add(step + "/" + of))
          .drawEach((seed, _) -> seeds.add(Long.toUnsignedString(seed) + " " + steps.size()));
      assertEquals(List.of("1/6", "2/6", "3/6", "4/6", "5/6", "6/6"), steps);
      assertEquals(List.of("18446744073709551615 3", "0 3", "1 6"), seeds);
    }
  }

  /** Euler's last step ends at the clean sample that the model predicts; earlier ones are near. */
  @ParameterizedTest
  @ValueSource(strings = {"euler", "ddim"})
  void previewsBecomeThePicture(String scheduler) throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      Previews previews = new Previews();
      BufferedImage drawn = fox(sd).scheduler(scheduler).steps(6).onStep(previews).draw();
      assertEquals(6, previews.seen.size());
      double last = distance(drawn, previews.seen.getLast());
      assertTrue(last < 1, () -> "the last one is off by " + last);
      assertTrue(distance(drawn, previews.seen.getFirst()) > 2 * last);
      assertArrayEquals(rgb(drawn), rgb(fox(sd).scheduler(scheduler).steps(6).draw()));
      Previews large = new Previews();
      fox(sd).steps(1).size(4 * sd.size()).onStep(large).draw();
      int side = large.seen.getFirst().getWidth();
      assertTrue(side <= 32 * sd.sizeStep() && side >= 16 * sd.sizeStep(), () -> "side " + side);
    }
    var options = LoadOptions.DEFAULT.withResidency(Residency.ONE_AT_A_TIME);
    try (var sd = StableDiffusion.load(MODEL, Device.cpu(), options)) {
      Previews none = new Previews();
      fox(sd).onStep(none).draw();
      assertEquals(0, none.seen.size());
    }
  }

  private static final class Previews implements StepListener {
    final List<BufferedImage> seen = new ArrayList<>();

    @Override
    public boolean onStep(int step, int of) {
      return true;
    }

    @Override
    public boolean onStep(int step, int of, Supplier<Optional<BufferedImage>> preview) {
      preview.get().ifPresent(seen::add);
      return true;
    }
  }

  @Test
  void aListenerEndsADrawingAndTheModelDrawsOn() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      Runnable close = sd::close;
      byte[] before = rgb(fox(sd).draw());
      long warm = Memory.liveTensors();
      assertThrows(CancellationException.class, () -> fox(sd).onStep((step, _) -> step < 2).draw());
      assertThrows(
          IllegalStateException.class,
          () ->
              fox(sd)
                  .onStep(
                      (_, _) -> {
                        close.run();
                        return true;
                      })
                  .draw());
      assertEquals(warm, Memory.liveTensors());
      assertArrayEquals(before, rgb(fox(sd).draw()));
    }
  }

  @Test
  void otherThreadsDrawTheSameAndMayCloseIt() throws Exception {
    StableDiffusion sd = StableDiffusion.load(MODEL, Device.cpu());
    byte[] here = rgb(fox(sd).draw());
    List<CompletableFuture<byte[]>> drawn =
        Stream.generate(() -> CompletableFuture.supplyAsync(() -> drawQuietly(sd)))
            .limit(3)
            .toList();
    for (CompletableFuture<byte[]> future : drawn) {
      assertArrayEquals(here, future.get());
    }
    try (Scope _ = Scope.open()) {
      assertArrayEquals(here, rgb(fox(sd).draw()));
      CompletableFuture.runAsync(sd::close).get();
      assertEquals(0, Memory.liveTensors());
    }
    IllegalStateException e = assertThrows(IllegalStateException.class, () -> fox(sd).draw());
    assertTrue(e.getMessage().contains("was closed"), e.getMessage());
    sd.close();
  }

  private static byte[] drawQuietly(StableDiffusion sd) {
    try {
      return rgb(fox(sd).draw());
    } catch (WeightsException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void settingsChangeThePicture() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      byte[] plain = rgb(fox(sd).draw());
      assertArrayEquals(plain, rgb(fox(sd).clipSkip(0).draw()));
      for (int skip = 1; skip <= 2; skip++) {
        assertFalse(Arrays.equals(plain, rgb(fox(sd).clipSkip(skip).draw())));
      }
      assertFalse(Arrays.equals(plain, rgb(fox(sd).negative("a cat").draw())));
      Prompt weighted = sd.prompt("a (fox:2)").syntax(PromptSyntax.A1111);
      assertFalse(Arrays.equals(plain, rgb(weighted.size(32).steps(3).seed(5).draw())));
      DrawingPlan plan = fox(sd).size(40, 24).plan();
      assertEquals(40, plan.width());
      assertEquals(24, plan.height());
      assertEquals(32, sd.prompt("a fox").plan().width());
    }
  }

  /** A single file has no vocabulary: CLIP's does, or that of a folder beside it or given. */
  @Test
  void aSingleFileFindsItsTokenizer() throws IOException {
    Path file = folder.resolve("single.safetensors");
    new CheckpointWriter(new Conversion(Optional.empty()))
        .singleFile(new DiffusersFolder(MODEL), file);
    WeightsException e =
        assertThrows(
            WeightsException.class,
            () -> StableDiffusion.open(file, Device.cpu(), LoadOptions.DEFAULT));
    assertTrue(e.getMessage().contains("knows 734 tokens, not 49408"), e.getMessage());
    LoadOptions given = LoadOptions.DEFAULT.withTokenizer(MODEL.resolve("tokenizer"));
    int[] wanted;
    try (var sd = StableDiffusion.open(MODEL, Device.cpu(), LoadOptions.DEFAULT)) {
      wanted = sd.tokenizer().encode("a fox").ids();
      assertEquals(List.of(), sd.notes());
    }
    try (var sd = StableDiffusion.open(file, Device.cpu(), given)) {
      assertArrayEquals(wanted, sd.tokenizer().encode("a fox").ids());
    }
    WideModel.copy(MODEL.resolve("tokenizer"), folder.resolve("tokenizer"));
    try (var sd = StableDiffusion.open(file, Device.cpu(), LoadOptions.DEFAULT)) {
      assertArrayEquals(wanted, sd.tokenizer().encode("a fox").ids());
    }
  }

  /** What was read is freed when a later part turns out wrong, and the error names the part. */
  @Test
  void damagedWeightsAreNamed() throws IOException {
    copy();
    Path file = folder.resolve("unet/diffusion_pytorch_model.safetensors");
    try (Scope _ = Scope.open();
        StateDict dict =
            StateDict.open(MODEL.resolve("unet/diffusion_pytorch_model.safetensors"))) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      for (var entry : dict.entries().entrySet()) {
        Tensor tensor = entry.getValue().toTensor(Device.cpu(), DType.F32, Layout.SAME);
        float[] values = tensor.toFloats();
        values[0] = entry.getKey().equals("conv_out.bias") ? Float.NaN : values[0];
        writer.add(entry.getKey(), Tensor.of(Device.cpu(), tensor.shape(), values), Layout.SAME);
      }
      writer.write(file);
    }
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      LoadOptions options = LoadOptions.DEFAULT.withDtype(dtype);
      try (var sd = StableDiffusion.load(folder, Device.cpu(), options)) {
        WeightsException e = assertThrows(WeightsException.class, () -> fox(sd).draw());
        assertTrue(e.getMessage().contains("the weights of its unet are damaged"), e.getMessage());
        assertEquals(
            dtype == DType.BF16,
            e.getMessage().contains("it needs float32 to compute in"),
            e.getMessage());
      }
    }
    LoadOptions failing =
        LoadOptions.DEFAULT.withOnPhase(
            phase -> {
              if (phase.component() == Component.VAE) {
                throw new IllegalStateException("no more");
              }
            });
    assertThrows(
        IllegalStateException.class, () -> StableDiffusion.load(folder, Device.cpu(), failing));
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void refusesWhatMakesNoSense() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      Prompt prompt = sd.prompt("a");
      assertRefused("steps is 0", () -> prompt.steps(0));
      assertRefused("count is -1", () -> prompt.count(-1));
      assertRefused("guidance is NaN", () -> prompt.guidance(Double.NaN));
      assertRefused("multiples of 8", () -> prompt.size(60, 64));
      assertRefused("there is no scheduler 'magic'", () -> prompt.scheduler("magic"));
      BufferedImage tiny = new BufferedImage(7, 9, BufferedImage.TYPE_INT_RGB);
      assertRefused("7×9", () -> sd.prompt("a").init(tiny).plan());
      assertRefused("strength 0.0", () -> fox(sd).init(tiny).strength(0).plan());
      assertThrows(IllegalStateException.class, () -> fox(sd).count(2).draw());
      assertEquals(2, sd.textLayers());
      assertRefused("clip skip is -1, from 0 to 2 is wanted", () -> prompt.clipSkip(-1));
      assertRefused("clip skip is 3, from 0 to 2 is wanted", () -> prompt.clipSkip(3));
      Prompt webui = sd.prompt("[a|b]").syntax(PromptSyntax.A1111);
      assertRefused("prompt: '[a|b]' is a prompt that changes", webui::plan);
      Prompt negative = sd.prompt("a").negative("[a|b]").syntax(PromptSyntax.A1111);
      assertRefused("negative prompt: '[a|b]' is a prompt that changes", negative::plan);
    }
    assertRefused("float32, bfloat16 or float16", () -> LoadOptions.DEFAULT.withDtype(DType.I32));
  }

  private static void assertRefused(
      String reason, org.junit.jupiter.api.function.Executable mistake) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, mistake);
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @Test
  void refusesPartsThatAreNotOfOneModelBeforeReadingWeights() throws IOException {
    copy();
    Path config = folder.resolve("text_encoder/config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replaceFirst("(\"hidden_size\": )\\d+", "$11024"));
    assertMalformed("the text encoder's hidden_size 1024");
    Files.writeString(config, json.replaceFirst("(\"max_position_embeddings\": )\\d+", "$15"));
    assertMalformed("the text encoder takes 5");
    Files.writeString(config, json);
    Path vae = folder.resolve("vae/config.json");
    json = Files.readString(vae);
    Files.writeString(vae, json.replaceFirst("(\"layers_per_block\": )\\d+", "$12"));
    assertMalformed("vae/diffusion_pytorch_model.safetensors: does not fit the model: 64 missing");
    Files.writeString(vae, json);
    Files.delete(folder.resolve("vae/diffusion_pytorch_model.safetensors"));
    assertMalformed("vae: has no diffusion_pytorch_model.safetensors");
    assertEquals(Map.of(), reads);
  }

  /** An error on opening, before anything is drawn or a weight read. */
  private void assertMalformed(String reason) {
    WeightsException e =
        assertThrows(
            WeightsException.class,
            () -> StableDiffusion.open(folder, Device.cpu(), counted(Residency.ALL)));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertTrue(e.getMessage().length() < 4000, e.getMessage());
    assertEquals(0, Memory.liveTensors());
  }

  private void copy() throws IOException {
    try (Stream<Path> all = Files.walk(MODEL)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Path copy = folder.resolve(MODEL.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else {
          Files.write(copy, Files.readAllBytes(file));
        }
      }
    }
  }
}
