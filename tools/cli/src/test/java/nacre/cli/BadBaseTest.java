package nacre.cli;

import static nacre.cli.BasedRuns.BASE;
import static nacre.cli.BasedRuns.ENCODER;
import static nacre.cli.BasedRuns.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What cannot be a base, and settings that do not go with one. */
class BadBaseTest {
  @RegisterExtension static final BasedRuns RUNS = new BasedRuns();
  @TempDir Path folder;

  private Path preset(String name, String changes) throws IOException {
    return BasedRuns.preset(folder.resolve(name + ".json"), changes);
  }

  /** Each in one line, and before anything is written. */
  @Test
  void whatCannotBeABaseIsRefused() throws IOException {
    assertRefused(
        TinyModel.copyTo(folder.resolve("nine")).patch("unet/config.json", "{'in_channels': 9}"),
        "is a model for inpainting: its UNet takes 9 channels");
    assertRefused(
        TinyModel.copyTo(folder.resolve("eight")).patch("unet/config.json", "{'in_channels': 8}"),
        "is InstructPix2Pix");
    assertRefused(
        TinyModel.copyTo(folder.resolve("xl"))
            .patch("model_index.json", "{'_class_name': 'StableDiffusionXLPipeline'}"),
        "is a StableDiffusionXLPipeline, StableDiffusionPipeline is wanted");
    TinyModel bare = TinyModel.copyTo(folder.resolve("bare"));
    Files.delete(bare.root().resolve("model_index.json"));
    assertRefused(
        bare.patch("unet/config.json", "{'addition_embed_type': 'text_time'}"),
        "addition_embed_type");
    assertRefused(
        TinyModel.copyTo(folder.resolve("lcm"))
            .patch("unet/config.json", "{'time_cond_proj_dim': 32}"),
        "was distilled for few steps");
    assertRefused(
        TinyModel.copyTo(folder.resolve("other"))
            .patch("unet/config.json", "{'cross_attention_dim': 24}"),
        "does not fit the model");
    TinyModel without = TinyModel.copyTo(folder.resolve("without"));
    Files.delete(without.root().resolve("vae/diffusion_pytorch_model.safetensors"));
    assertRefused(without, "has no diffusion_pytorch_model.safetensors");
    assertRefused(new TinyModel(folder.resolve("none")), "no such file");
    Path two = folder.resolve("mine.safetensors");
    writeNamesOfVersion2(two);
    assertRefused(new TinyModel(two), "say it with --family sd-2.1-base");
  }

  private void assertRefused(TinyModel base, String told) throws IOException {
    assertRefused(preset("mine", "{}"), told, "--base", base.root());
  }

  private void assertRefused(Path preset, String told, Object... more) {
    Path out = folder.resolve("run");
    CommandLineRun refused =
        RUNS.train(preset, out, with(more, "--steps", 1, "--image-encoder", ENCODER));
    assertEquals(1, refused.status(), refused::out);
    assertEquals(1, refused.complaints().size(), refused::err);
    assertTrue(refused.err().contains(told), refused::err);
    assertFalse(Files.exists(out.resolve("checkpoints")));
  }

  /** Only what a single file of version 2 is recognized by. */
  private static void writeNamesOfVersion2(Path file) throws IOException {
    String unet = "model.diffusion_model.";
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .add(unet + "input_blocks.0.0.weight", zeros(320, 4, 3, 3), Layout.SAME)
          .add(
              unet + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
              zeros(1, 1024),
              Layout.SAME)
          .write(file);
    }
  }

  private static Tensor zeros(int... shape) {
    return Tensor.zeros(Device.cpu(), DType.F16, Shape.of(shape));
  }

  @Test
  void settingsThatDoNotGoTogetherAreRefused() throws IOException {
    Object[] based = {"--base", BASE};
    assertRefused(
        preset("mine", "{'unet': {'in_channels': 4, 'cross_attention_dim': 32}}"),
        "unet.cross_attention_dim is 32, that of the base is 16",
        based);
    assertRefused(
        preset("mine", "{'scheduler': {'prediction_type': 'v_prediction'}}"),
        "leave out unet, vae and scheduler beside a base",
        based);
    assertRefused(preset("mine", "{'vae': 3}"), "vae must be an object", based);
    assertRefused(
        preset("mine", "{'vae_from': 'shipped'}"), "vae_from does not go with a base", based);
    assertRefused(preset("mine", "{'image_size': 36}"), "a multiple of 8 is wanted", based);
    assertRefused(
        preset("mine", "{'training': {'trainable': ['unet.*', 'vit.no*']}}"),
        "training.trainable: 'vit.no*' is the name of no parameter",
        based);
    assertRefused(
        preset("mine", "{'training': {'trainable': ['vae.*']}}"),
        "'vae.*' is the name of no parameter that can be trained",
        based);
    assertRefused(preset("mine", "{}"), "unet is missing");
    CommandLineRun demo = RUNS.train(Path.of("demo"), folder.resolve("run"), based);
    assertEquals(1, demo.status());
    assertTrue(demo.err().contains("preset demo: unet."), demo::err);
    CommandLineRun alone =
        RUNS.train(preset("mine", "{}"), folder.resolve("run"), "--family", "sd1");
    assertEquals(2, alone.status());
    assertTrue(alone.err().contains("--family says what --base is"), alone::err);
  }
}
