package nacre.diffusion.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nacre.diffusion.schedule.DdimConfig;
import nacre.diffusion.schedule.PndmConfig;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiffusersFolderTest {
  private static final Device CPU = Device.cpu();

  /** Made by diffusers, with the names that its save_pretrained writes. */
  private static final Path BUNDLES = Path.of("../tools/cli/src/test/resources/bundles");

  @TempDir Path root;
  private Scope scope;
  private Parameters saved;
  private Parameters read;
  private DiffusersFolder folder;

  @BeforeEach
  void open() {
    scope = Scope.open();
    folder = new DiffusersFolder(root);
    saved = Parameters.create(CPU, DType.F32, 7).at("model");
    read = Parameters.unwritten(CPU, DType.F32);
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  private static JsonNode config(String bundle) throws IOException {
    return new JsonMapper()
        .readTree(BUNDLES.resolve(bundle).resolve("case.json").toFile())
        .get("config");
  }

  private static Map<String, Shape> shapes(StateDict dict) {
    Map<String, Shape> shapes = new TreeMap<>();
    dict.entries().forEach((name, entry) -> shapes.put(name, entry.shape()));
    return shapes;
  }

  /** Names and shapes on disk are those of diffusers, and what is read is what was written. */
  private void assertSame(String component, String bundle) throws IOException {
    Path file = root.resolve(component).resolve("diffusion_pytorch_model.safetensors");
    try (StateDict written = StateDict.open(file);
        StateDict reference =
            StateDict.open(BUNDLES.resolve(bundle).resolve("tensors.safetensors"))) {
      assertEquals(shapes(reference.under("weight.")), shapes(written));
      assertEquals("pt", written.metadata().get("format"));
    }
    assertEquals(saved.relative().keySet(), read.relative().keySet());
    saved
        .relative()
        .forEach((name, t) -> assertArrayEquals(t.toFloats(), read.all().get(name).toFloats()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"unet-two-levels", "unet-three-levels"})
  void unetComesBack(String bundle) throws IOException {
    UNetConfig config = UNetConfig.of(config(bundle));
    folder.writeUNet(new UNet2DCondition(saved, config), saved);
    assertEquals(config, folder.readUNet(read).config());
    assertSame("unet", bundle);
  }

  @Test
  void autoencoderComesBack() throws IOException {
    VaeConfig config = VaeConfig.of(config("vae-encode"));
    folder.writeVae(new AutoencoderKL(saved, config), saved);
    assertEquals(config, folder.readVae(read).config());
    assertSame("vae", "vae-encode");
  }

  @Test
  void autoencoderOfOldNamesIsRead() throws IOException {
    AutoencoderKL vae = new AutoencoderKL(saved, VaeConfig.of(config("vae-encode")));
    folder.writeVae(vae, saved);
    SafeTensorsWriter old = new SafeTensorsWriter();
    saved
        .relative()
        .forEach(
            (name, tensor) ->
                old.add(
                    name.replace(".to_q.", ".query.")
                        .replace(".to_k.", ".key.")
                        .replace(".to_v.", ".value.")
                        .replace(".to_out.0.", ".proj_attn."),
                    tensor,
                    Layout.ofParameter(tensor.shape())));
    Path file = root.resolve("vae/diffusion_pytorch_model.safetensors");
    old.write(file);
    try (SafeTensors written = SafeTensors.open(file)) {
      assertTrue(written.entries().containsKey("encoder.mid_block.attentions.0.query.weight"));
    }
    folder.readVae(read);
    saved
        .relative()
        .forEach((name, t) -> assertArrayEquals(t.toFloats(), read.all().get(name).toFloats()));
  }

  @Test
  void schedulerComesBack() throws IOException {
    ObjectNode json = (ObjectNode) config("ddim-zero-snr");
    SchedulerConfig config =
        SchedulerConfig.of(json.without("num_inference_steps"), Schedulers.DDIM);
    folder.writeScheduler(Scheduler.of(config, 3));
    Scheduler scheduler = folder.readScheduler(7);
    assertEquals(config, scheduler.schedule().config());
    assertEquals(7, scheduler.steps());
    Scheduler other = folder.readScheduler(Schedulers.named("dpm++-karras"), 9);
    assertEquals(9, other.steps());
    assertEquals(config.predictionType(), other.schedule().config().predictionType());
    assertEquals(
        config.rescaleBetasZeroSnr(), folder.readNoiseSchedule().config().rescaleBetasZeroSnr());
  }

  /** As diffusers writes what it was not told. */
  @Test
  void infiniteNumbersOfSchedulersAreRead() throws IOException {
    Path file = Files.createDirectories(root.resolve("scheduler")).resolve("scheduler_config.json");
    Files.writeString(
        file,
        "{\"_class_name\": \"DPMSolverMultistepScheduler\", \"lambda_min_clipped\": -Infinity}");
    assertEquals(25, folder.readScheduler(25).steps());
  }

  @Test
  void indexNamesTheComponents() throws IOException {
    folder.writeIndex("Pipeline", Map.of("unet", List.of("diffusers", "UNet2DConditionModel")));
    JsonNode index = new JsonMapper().readTree(root.resolve("model_index.json").toFile());
    assertEquals("Pipeline", index.get("_class_name").asText());
    assertEquals("UNet2DConditionModel", index.get("unet").get(1).asText());
  }

  @Test
  void whatIsMissingOrWrongIsSaidWithTheFile() throws IOException {
    assertMessage("config.json: no such file", () -> folder.readUNet(read));
    Path config = Files.createDirectories(root.resolve("unet")).resolve("config.json");
    Files.writeString(config, "{\"act_fn\": ");
    assertMessage("config.json: is not valid JSON", () -> folder.readUNet(read));
    Files.writeString(config, "[]");
    assertMessage("config.json: is not a JSON object", () -> folder.readUNet(read));
    Files.writeString(config, "{\"act_fn\": \"mish\"}");
    assertMessage("config.json: UNet2DConditionModel: act_fn", () -> folder.readUNet(read));
  }

  @Test
  void weightsOfAnotherModelAreRefused() throws IOException {
    folder.writeUNet(new UNet2DCondition(saved, UNetConfig.of(config("unet-two-levels"))), saved);
    Path config = root.resolve("unet/config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replace("\"in_channels\" : 5", "\"in_channels\" : 6"));
    assertMessage("conv_in.weight", () -> folder.readUNet(read));
  }

  private static void assertMessage(
      String part, org.junit.jupiter.api.function.Executable mistake) {
    String message = assertThrows(WeightsException.class, mistake).getMessage();
    assertTrue(message.contains(part), message);
  }

  /** What each pipeline of diffusers changes in its scheduler's config when it is made. */
  @ParameterizedTest
  @CsvSource({
    "StableDiffusionPipeline, PNDMScheduler, 1",
    "StableDiffusionInpaintPipeline, PNDMScheduler, 1",
    "LatentConsistencyModelPipeline, PNDMScheduler, 0",
    "StableDiffusionPipeline, DDIMScheduler, 1",
    "StableDiffusionInpaintPipeline, DDIMScheduler, 1",
    "LatentConsistencyModelPipeline, DDIMScheduler, 0",
  })
  void aPipelineMendsItsOwnScheduler(String pipeline, String kind, int offset) throws IOException {
    folder.writeIndex(pipeline, Map.of("scheduler", List.of("diffusers", kind)));
    Files.createDirectories(root.resolve("scheduler"));
    Files.writeString(
        root.resolve("scheduler/scheduler_config.json"),
        "{\"_class_name\": \"EulerDiscreteScheduler\", \"clip_sample\": true}");
    boolean plain = pipeline.equals("StableDiffusionPipeline");
    SchedulerConfig chosen = folder.readScheduler(Schedulers.named("ddim"), 5).schedule().config();
    assertEquals(0, chosen.stepsOffset());
    assertEquals(!plain, ((DdimConfig) chosen.method()).clipping().clips());
    SchedulerConfig config = folder.readScheduler(5).schedule().config();
    assertEquals(kind, config.kind().className());
    assertEquals(offset, config.stepsOffset());
    if (config.method() instanceof DdimConfig ddim) {
      assertEquals(!plain, ddim.clipping().clips());
    } else {
      boolean inpainting = pipeline.equals("StableDiffusionInpaintPipeline");
      assertEquals(inpainting, ((PndmConfig) config.method()).skipPrkSteps());
    }
  }
}
