package nacre.lab.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import nacre.cli.options.UsageException;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.AdamW;
import nacre.nn.AttentionContext;
import nacre.nn.Ema;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.nn.vision.InceptionV3;
import nacre.nn.vision.Lpips;
import nacre.nn.vision.LpipsNet;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Affine;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.MeanSquaredError;
import nacre.tensor.ops.RandomNormal;

/**
 * The works that {@code nacre bench models} and {@code nacre bench metrics} time: whole models of
 * Stable Diffusion 2.1, DINO and metrics with random weights, and the overhead of an operation.
 */
enum ModelWork {
  UNET_32("unet-32", "UNet, 32×32 latent, batch 1", Config.UNET, Machine.CPU),
  UNET_32_B2("unet-32-b2", "UNet, 32×32 latent, batch 2", Config.UNET, Machine.BOTH),
  UNET_32_B16("unet-32-b16", "UNet, 32×32 latent, batch 16", Config.UNET, Machine.GPU),
  UNET_64_B2("unet-64-b2", "UNet, 64×64 latent, batch 2", Config.UNET, Machine.BOTH),
  UNET_64_B16("unet-64-b16", "UNet, 64×64 latent, batch 16", Config.UNET, Machine.GPU),
  VAE_ENCODE_256("vae-encode-256", "VAE, encode 256×256", Config.VAE, Machine.CPU),
  VAE_DECODE_256("vae-decode-256", "VAE, decode 256×256", Config.VAE, Machine.CPU),
  VAE_DECODE_512("vae-decode-512", "VAE, decode 512×512", Config.VAE, Machine.BOTH),
  VIT_B8_256("vit-b8-256", "DINO ViT-B/8, 256×256", Config.VIT, Machine.BOTH),
  UNET_TRAIN_32("unet-train-32", "UNet training step, 32×32 latent", Config.UNET, Machine.CPU),
  UNET_TRAIN_32_B32(
      "unet-train-32-b32", "UNet training step, 32×32 latent, batch 32", Config.UNET, Machine.GPU),
  UNET_SAMPLE_64_B2(
      "unet-sample-64-b2",
      "UNet step of sampling, 64×64 latent, batch 2",
      Config.UNET,
      Machine.COUNTED),
  UNET_AVERAGED_32_B32(
      "unet-averaged-32-b32",
      "UNet training step with moving averages, 32×32 latent, batch 32",
      Config.UNET,
      Machine.COUNTED),
  LAUNCHES("launches", "1,000 operations on 1,024 numbers", Config.NONE, Machine.GPU),
  LPIPS_VGG_256("lpips-vgg-256", "LPIPS, VGG16, 4 pairs 256×256", Config.NONE, Machine.METRICS),
  LPIPS_ALEX_256("lpips-alex-256", "LPIPS, AlexNet, 4 pairs 256×256", Config.NONE, Machine.METRICS),
  FID_299("fid-299", "FID's features, 8 pictures 299×299", Config.NONE, Machine.METRICS),
  DINO_S16_224(
      "dino-s16-224", "DINO ViT-S/16, 16 pictures 224×224", Config.SMALL_VIT, Machine.METRICS);

  private static final int CHAIN = 1000;

  /** The factor by which a small work's images are smaller, and the most images it has. */
  private static final int SMALLER = 8;

  private static final int FEW = 2;

  private enum Config {
    UNET("sd21-unet.json"),
    VAE("sd-vae.json"),
    VIT("dino-vitb8.json"),
    SMALL_VIT("dino-vits16.json"),
    NONE(null);

    private final String file;

    Config(String file) {
      this.file = file;
    }
  }

  /**
   * The machine that a work is for: what takes a GPU a moment takes a CPU minutes. Those of metrics
   * are a table of their own, and some are for {@code bench launches} alone.
   */
  private enum Machine {
    CPU,
    GPU,
    BOTH,
    METRICS,
    COUNTED
  }

  private final String id;
  private final String title;
  private final Config config;
  private final Machine machine;

  ModelWork(String id, String title, Config config, Machine machine) {
    this.id = id;
    this.title = title;
    this.config = config;
    this.machine = machine;
  }

  /** The name for users and peers. */
  String id() {
    return id;
  }

  /** The description. */
  String title() {
    return title;
  }

  /** The model's {@code config.json}, or that of a much smaller model of the same structure. */
  JsonNode config(boolean small) {
    if (config == Config.NONE) {
      return JsonNodeFactory.instance.objectNode();
    }
    try (InputStream in = ModelWork.class.getResourceAsStream(config.file)) {
      ObjectNode json = (ObjectNode) new JsonMapper().readTree(in);
      return small ? shrink(json) : json;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Widths of 32 and 64, one head of attention to each 32, and a few layers. */
  private static ObjectNode shrink(ObjectNode json) {
    if (json.has("block_out_channels")) {
      shrink(json, "block_out_channels", 32, 64);
      shrink(json, "attention_head_dim", 1, 2);
      json.put("layers_per_block", 1).put("norm_num_groups", 8);
      if (json.has("cross_attention_dim")) {
        json.put("cross_attention_dim", 32);
      }
    } else {
      json.put("hidden_size", 64).put("intermediate_size", 128);
      json.put("num_attention_heads", 2).put("num_hidden_layers", 2).put("image_size", 32);
    }
    return json;
  }

  private static void shrink(ObjectNode json, String key, int first, int rest) {
    if (json.path(key) instanceof ArrayNode values) {
      for (int i = 0; i < values.size(); i++) {
        values.set(i, i == 0 ? first : rest);
      }
    }
  }

  static ModelWork of(String id) {
    for (ModelWork work : values()) {
      if (work.id.equals(id)) {
        return work;
      }
    }
    String known = Arrays.stream(values()).map(ModelWork::id).collect(Collectors.joining(", "));
    throw new UsageException("--work: " + id + " is not known; known are " + known);
  }

  /** The works that are timed by default. */
  static List<ModelWork> all(boolean gpu) {
    Machine own = gpu ? Machine.GPU : Machine.CPU;
    return Arrays.stream(values())
        .filter(work -> work.machine == own || work.machine == Machine.BOTH)
        .toList();
  }

  /** The works that metrics do for every picture. */
  static List<ModelWork> ofMetrics() {
    return Arrays.stream(values()).filter(work -> work.machine == Machine.METRICS).toList();
  }

  /** Builds a model in the current scope and returns one run of the work, for the device alone. */
  Supplier<Tensor> prepare(Device device, DType dtype, boolean small) {
    Builder build = new Builder(config(small), device, dtype, small ? SMALLER : 1);
    return switch (this) {
      case UNET_32 -> build.unet(1, 32);
      case UNET_32_B2 -> build.unet(2, 32);
      case UNET_32_B16 -> build.unet(16, 32);
      case UNET_64_B2 -> build.unet(2, 64);
      case UNET_64_B16 -> build.unet(16, 64);
      case UNET_SAMPLE_64_B2 -> build.sampling(2, 64);
      case VAE_ENCODE_256 -> build.encode(256);
      case VAE_DECODE_256 -> build.decode(256);
      case VAE_DECODE_512 -> build.decode(512);
      case VIT_B8_256 -> build.vit(1);
      case UNET_TRAIN_32 -> build.trainingStep(1, false);
      case UNET_TRAIN_32_B32 -> build.trainingStep(32, false);
      case UNET_AVERAGED_32_B32 -> build.trainingStep(32, true);
      case LAUNCHES -> build.launches(small ? CHAIN / 10 : CHAIN);
      case LPIPS_VGG_256 -> build.lpips(LpipsNet.VGG);
      case LPIPS_ALEX_256 -> build.lpips(LpipsNet.ALEX);
      case FID_299 -> build.inception(small ? 96 : 299);
      case DINO_S16_224 -> build.vit(16);
    };
  }

  private record Builder(JsonNode config, Device device, DType dtype, int smaller) {
    private int batch(int asked) {
      return smaller > 1 ? Math.min(asked, FEW) : asked;
    }

    Supplier<Tensor> unet(int asked, int side) {
      int batch = batch(asked);
      UNetConfig shape = UNetConfig.of(config);
      Parameters weights = weights();
      UNet2DCondition unet = new UNet2DCondition(weights, shape);
      weights.prepack();
      Tensor x = random(batch, side / smaller, side / smaller, shape.inChannels());
      Tensor context = random(batch, 77, shape.crossAttentionDim());
      Tensor timesteps = Tensor.full(device, DType.F32, Shape.of(batch), 500);
      return () -> unet.forward(x, timesteps, context);
    }

    /** As a prompt is drawn: keys and values of its context are made before. */
    Supplier<Tensor> sampling(int asked, int side) {
      int batch = batch(asked);
      UNetConfig shape = UNetConfig.of(config);
      Parameters weights = weights();
      UNet2DCondition unet = new UNet2DCondition(weights, shape);
      weights.prepack();
      Tensor x = random(batch, side / smaller, side / smaller, shape.inChannels());
      AttentionContext context = unet.constant(random(batch, 77, shape.crossAttentionDim()));
      Tensor timesteps = Tensor.full(device, DType.F32, Shape.of(1), 500);
      return () -> unet.forward(x, timesteps, context, null);
    }

    private AutoencoderKL autoencoder() {
      Parameters weights = weights();
      AutoencoderKL vae = new AutoencoderKL(weights, VaeConfig.of(config));
      weights.prepack();
      return vae;
    }

    Supplier<Tensor> encode(int side) {
      AutoencoderKL vae = autoencoder();
      Tensor image = random(1, side / smaller, side / smaller, 3);
      return () -> vae.encode(image).moments();
    }

    Supplier<Tensor> decode(int side) {
      AutoencoderKL vae = autoencoder();
      int latent = side / smaller / vae.config().downsampling();
      Tensor z = random(1, latent, latent, vae.config().latentChannels());
      return () -> vae.decode(z);
    }

    Supplier<Tensor> vit(int asked) {
      VitConfig shape = VitConfig.of(config);
      Parameters weights = weights();
      Vit vit = new Vit(weights, shape);
      weights.prepack();
      Tensor images = random(batch(asked), shape.imageSize(), shape.imageSize(), 3);
      return () -> vit.forward(images);
    }

    Supplier<Tensor> lpips(LpipsNet net) {
      Lpips lpips = new Lpips(weights(), net).prepack();
      int side = smaller > 1 ? net.smallest() : 256;
      Tensor pictures = random(batch(4), side, side, 3);
      Tensor truths = random(batch(4), side, side, 3);
      return () -> lpips.distance(pictures, truths);
    }

    Supplier<Tensor> inception(int side) {
      Parameters weights = weights();
      InceptionV3 network = new InceptionV3(weights, InceptionV3.Tap.LAST);
      weights.prepack();
      Tensor pictures = random(batch(8), side, side, 3);
      return () -> network.features(pictures);
    }

    /** Weights and optimizer in f32, activations in {@code dtype}. */
    Supplier<Tensor> trainingStep(int asked, boolean averaged) {
      int batch = batch(asked);
      UNetConfig shape = UNetConfig.of(config);
      Parameters parameters = Parameters.create(device, DType.F32, 0);
      UNet2DCondition unet = new UNet2DCondition(parameters, shape);
      AdamW optimizer = new AdamW(parameters.trainable(), AdamW.Config.defaults().withMaxNorm(1));
      int side = 32 / smaller;
      Tensor x = random(batch, side, side, shape.inChannels());
      Tensor context = random(batch, 17, shape.crossAttentionDim());
      Tensor target =
          RandomNormal.normal(device, Shape.of(batch, side, side, shape.outChannels()), 1, 0);
      Tensor timesteps = Tensor.full(device, DType.F32, Shape.of(batch), 500);
      optimizer.setLearningRate(1e-5);
      Ema ema = averaged ? new Ema(parameters.all(), 0.999, true) : null;
      return () -> {
        try (Tape tape = open(parameters)) {
          Tensor out = Cast.cast(unet.forward(x, timesteps, context), DType.F32);
          Tensor loss = MeanSquaredError.meanSquaredError(out, target);
          Function<Tensor, Tensor> gradients = tape.backward(loss)::asComputed;
          if (ema == null) {
            optimizer.step(gradients);
          } else {
            ema.begin();
            optimizer.step(gradients, ema);
          }
          return loss;
        }
      };
    }

    private Tape open(Parameters parameters) {
      return dtype == DType.F32
          ? Tape.open()
          : Tape.open().sharingCasts(parameters.trainable().values(), dtype);
    }

    /** Each operation waits for the one before, and does almost nothing. */
    Supplier<Tensor> launches(int count) {
      Tensor x = random(1024);
      return () -> {
        Tensor y = x;
        for (int i = 0; i < count; i++) {
          y = Affine.scale(y, 1.0001);
        }
        return y;
      };
    }

    private Parameters weights() {
      return Parameters.create(device, dtype, 0).frozen();
    }

    private Tensor random(int... shape) {
      try (Scope scope = Scope.open()) {
        Tensor values = RandomNormal.normal(device, Shape.of(shape), 1, shape.length);
        return scope.keep(Cast.cast(values, dtype));
      }
    }
  }
}
