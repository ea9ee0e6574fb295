package examples;

import static nacre.tensor.ops.Ops.*;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.image.RgbImage;
import nacre.diffusion.lora.LoraWeights;
import nacre.diffusion.schedule.NoiseTable;
import nacre.diffusion.text.ClipTokenizer;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.nn.AdamW;
import nacre.nn.LoraConfig;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Teaches Stable Diffusion one picture by low-rank adapters of its UNet: {@code MODEL_FOLDER
 * PICTURE PROMPT STEPS OUT.safetensors}.
 */
public final class TrainLora {
  public static void main(String[] args) throws IOException {
    Device device = Device.of("auto");
    Checkpoint model = Checkpoint.open(Path.of(args[0]));
    // Beside attention (LoraConfig.ATTENTION, the usual targets), the residual blocks'
    // convolutions.
    LoraConfig lora = new LoraConfig(4, 4, List.of("attn*.to_*", "conv1", "conv2"));
    try (Scope _ = Scope.open()) {
      Tensor latent; // [1, h, w, 4]
      Tensor context; // [1, tokens, C]
      try (Scope encoders = Scope.open()) {
        RgbImage picture = RgbImage.of(ImageIO.read(Path.of(args[1]).toFile()));
        var vae = model.readVae(Parameters.unwritten(device, DType.F32).frozen());
        latent = vae.toDiffusion(vae.encode(picture.toTensor(device)).mode());
        var text = model.readTextEncoder(Parameters.unwritten(device, DType.F32).frozen());
        int[] ids = ClipTokenizer.read(Path.of(args[0], "tokenizer")).encode(args[2]).ids();
        context = text.forward(Tensor.ofInts(device, Shape.of(1, ids.length), ids));
        encoders.keep(latent);
        encoders.keep(context);
      }
      // The weights themselves are frozen; in bf16 they would take half the memory.
      Parameters p = Parameters.unwritten(device, DType.F32).adapted(lora);
      UNet2DCondition unet = model.readUNet(p);
      p.requireTargets();
      NoiseTable schedule = model.readNoiseSchedule().on(device);
      AdamW optimizer = new AdamW(p.trainable(), 1e-2);
      for (int step = 0; step < Integer.parseInt(args[3]); step++) {
        int draw = step % 8; // the same eight in turn, so that losses can be compared
        int[] timestep = {60 + 120 * draw};
        Tensor noise = normal(device, latent.shape(), 1, draw);
        float loss =
            optimizer.minimize(
                () -> {
                  Tensor t = schedule.timesteps(timestep);
                  Tensor noisy = schedule.addNoise(latent, noise, t);
                  Tensor guess = unet.forward(noisy, cast(t, DType.F32), context);
                  return meanSquaredError(guess, schedule.target(latent, noise, t));
                });
        noise.close();
        System.out.printf("step %2d  loss %.4f%n", step, loss);
      }
      LoraWeights.write(Path.of(args[4]), lora, p.adapters());
    }
  }
}
