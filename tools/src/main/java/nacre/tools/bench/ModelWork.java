package nacre.tools.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.AdamW;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.MeanSquaredError;
import nacre.tensor.ops.RandomNormal;

/**
 * What {@code nacre bench models} times: whole models of Stable Diffusion 2.1 and DINO with random
 * weights.
 */
enum ModelWork {
  UNET_32("unet-32", "UNet, 32×32 latent, batch 1", Config.UNET),
  UNET_32_B2("unet-32-b2", "UNet, 32×32 latent, batch 2", Config.UNET),
  UNET_64_B2("unet-64-b2", "UNet, 64×64 latent, batch 2", Config.UNET),
  VAE_ENCODE_256("vae-encode-256", "VAE, encode 256×256", Config.VAE),
  VAE_DECODE_256("vae-decode-256", "VAE, decode 256×256", Config.VAE),
  VAE_DECODE_512("vae-decode-512", "VAE, decode 512×512", Config.VAE),
  VIT_B8_256("vit-b8-256", "DINO ViT-B/8, 256×256", Config.VIT),
  UNET_TRAIN_32("unet-train-32", "UNet training step, 32×32 latent", Config.UNET);

  private enum Config {
    UNET("sd21-unet.json"),
    VAE("sd-vae.json"),
    VIT("dino-vitb8.json");

    private final String file;

    Config(String file) {
      this.file = file;
    }
  }

  private final String id;
  private final String title;
  private final Config config;

  ModelWork(String id, String title, Config config) {
    this.id = id;
    this.title = title;
    this.config = config;
  }

  /** The name that users and peers know it by. */
  String id() {
    return id;
  }

  /** What it is. */
  String title() {
    return title;
  }

  /** The model's {@code config.json}. */
  JsonNode config() {
    try (InputStream in = ModelWork.class.getResourceAsStream(config.file)) {
      return new JsonMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static ModelWork of(String id) {
    for (ModelWork work : values()) {
      if (work.id.equals(id)) {
        return work;
      }
    }
    throw new IllegalArgumentException("bench: " + id + " is not known; known are " + ids());
  }

  static String ids() {
    StringBuilder all = new StringBuilder();
    for (ModelWork work : values()) {
      all.append(all.isEmpty() ? "" : ", ").append(work.id);
    }
    return all.toString();
  }

  /** Builds the model in the current scope and returns one run of the work. */
  Runnable prepare(Device device, DType dtype) {
    return switch (this) {
      case UNET_32 -> unet(device, dtype, 1, 32);
      case UNET_32_B2 -> unet(device, dtype, 2, 32);
      case UNET_64_B2 -> unet(device, dtype, 2, 64);
      case VAE_ENCODE_256 -> {
        AutoencoderKL vae = autoencoder(device, dtype);
        Tensor image = random(device, dtype, 1, 256, 256, 3);
        yield () -> vae.encode(image);
      }
      case VAE_DECODE_256 -> decode(device, dtype, 256);
      case VAE_DECODE_512 -> decode(device, dtype, 512);
      case VIT_B8_256 -> {
        VitConfig shape = VitConfig.of(config());
        Parameters weights = weights(device, dtype);
        Vit vit = new Vit(weights, shape);
        weights.settle();
        Tensor image = random(device, dtype, 1, shape.imageSize(), shape.imageSize(), 3);
        yield () -> vit.forward(image);
      }
      case UNET_TRAIN_32 -> trainingStep(device, dtype);
    };
  }

  private Runnable unet(Device device, DType dtype, int batch, int side) {
    UNetConfig shape = UNetConfig.of(config());
    Parameters weights = weights(device, dtype);
    UNet2DCondition unet = new UNet2DCondition(weights, shape);
    weights.settle();
    Tensor x = random(device, dtype, batch, side, side, shape.inChannels());
    Tensor context = random(device, dtype, batch, 77, shape.crossAttentionDim());
    Tensor timesteps = Tensor.full(device, DType.F32, Shape.of(batch), 500);
    return () -> unet.forward(x, timesteps, context);
  }

  private AutoencoderKL autoencoder(Device device, DType dtype) {
    Parameters weights = weights(device, dtype);
    AutoencoderKL vae = new AutoencoderKL(weights, VaeConfig.of(config()));
    weights.settle();
    return vae;
  }

  private Runnable decode(Device device, DType dtype, int side) {
    AutoencoderKL vae = autoencoder(device, dtype);
    int small = side / vae.config().downsampling();
    Tensor latent = random(device, dtype, 1, small, small, vae.config().latentChannels());
    return () -> vae.decode(latent);
  }

  /** Weights and optimiser in f32, activations in {@code dtype}. */
  private Runnable trainingStep(Device device, DType dtype) {
    UNetConfig shape = UNetConfig.of(config());
    Parameters parameters = Parameters.create(device, DType.F32, 0);
    UNet2DCondition unet = new UNet2DCondition(parameters, shape);
    AdamW optimizer = new AdamW(parameters.trainable(), AdamW.Config.defaults().withMaxNorm(1));
    Tensor x = random(device, dtype, 1, 32, 32, shape.inChannels());
    Tensor context = random(device, dtype, 1, 17, shape.crossAttentionDim());
    Tensor target = random(device, DType.F32, 1, 32, 32, shape.outChannels());
    Tensor timesteps = Tensor.full(device, DType.F32, Shape.of(1), 500);
    return () -> {
      try (Tape tape = Tape.open()) {
        Tensor out = Cast.cast(unet.forward(x, timesteps, context), DType.F32);
        Tensor loss = MeanSquaredError.meanSquaredError(out, target);
        optimizer.step(tape.backward(loss), 1e-5);
        loss.item();
      }
    };
  }

  private static Parameters weights(Device device, DType dtype) {
    return Parameters.create(device, dtype, 0).frozen();
  }

  private static Tensor random(Device device, DType dtype, int... shape) {
    try (Scope scope = Scope.open()) {
      Tensor values = RandomNormal.normal(device, Shape.of(shape), 1, shape.length);
      return scope.hand(Cast.cast(values, dtype));
    }
  }
}
