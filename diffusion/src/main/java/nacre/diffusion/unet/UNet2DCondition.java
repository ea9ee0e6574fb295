package nacre.diffusion.unet;

import static nacre.tensor.ops.Activation.silu;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Sinusoids.sinusoids;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.AttentionContext;
import nacre.nn.Conv2d;
import nacre.nn.GroupNorm;
import nacre.nn.Parameters;
import nacre.nn.StackedLinear;
import nacre.nn.TimestepMlp;
import nacre.tensor.Range;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The UNet of Stable Diffusion, which predicts noise or velocity from a noisy sample, a timestep
 * and a context. Built from diffusers' {@code config.json}, under diffusers' names ({@code
 * UNet2DConditionModel}). Source: Rombach et al., "High-Resolution Image Synthesis with Latent
 * Diffusion Models", 2022.
 */
public final class UNet2DCondition {
  private final UNetConfig config;
  private final Conv2d convIn;
  private final TimestepMlp timeEmbedding;
  private final List<DownBlock> down = new ArrayList<>();
  private final MidBlock middle;
  private final List<UpBlock> up = new ArrayList<>();
  private final GroupNorm normOut;
  private final Conv2d convOut;

  /** Builds the model on parameters whose names begin where {@code p} stands. */
  public UNet2DCondition(Parameters p, UNetConfig config) {
    this.config = config;
    int first = config.blockOutChannels().getFirst();
    int groups = config.normNumGroups();
    double eps = config.normEps();
    convIn = new Conv2d(p.at("conv_in"), config.inChannels(), first, 3, 1, 1);
    timeEmbedding =
        new TimestepMlp(
            p.at("time_embedding"), first, config.timeWidth(), config.timeCondProjDim());
    for (int level = 0; level < config.levels(); level++) {
      down.add(new DownBlock(p.at("down_blocks").at(level), config, level));
    }
    middle = config.midBlock() ? new MidBlock(p.at("mid_block"), config) : null;
    for (int i = 0; i < config.levels(); i++) {
      up.add(new UpBlock(p.at("up_blocks").at(i), config, i));
    }
    normOut = new GroupNorm(p.at("conv_norm_out"), groups, first, eps);
    convOut = new Conv2d(p.at("conv_out"), first, config.outChannels(), 3, 1, 1);
  }

  /** The configuration of the model. */
  public UNetConfig config() {
    return config;
  }

  /**
   * {@code sample [N, H, W, in], timesteps [N] or, where all are the same, [1], context [N, S,
   * crossAttentionDim] → [N, H, W, out]}. H and W are of any size, unless the config has no padding
   * where it halves them: then they are multiples of 2 to the number of levels less one.
   *
   * @param timesteps f32
   * @throws IllegalArgumentException if a shape does not fit the config
   */
  public Tensor forward(Tensor sample, Tensor timesteps, Tensor context) {
    return forward(sample, timesteps, context, null);
  }

  /**
   * The same with a guidance scale, for models that take it ({@code time_cond_proj_dim}).
   *
   * @param timesteps f32
   * @param guidance embedded by {@link GuidanceEmbedding}, {@code [N, timeCondProjDim]}; null for
   *     none
   * @throws IllegalArgumentException if a shape does not fit the config
   */
  public Tensor forward(Tensor sample, Tensor timesteps, Tensor context, Tensor guidance) {
    return forward(sample, timesteps, AttentionContext.of(context), guidance);
  }

  /**
   * The same with a context that may be {@linkplain #constant constant}.
   *
   * @param timesteps f32
   * @param guidance as above; null for none
   * @throws IllegalArgumentException if a shape does not fit the config
   */
  public Tensor forward(
      Tensor sample, Tensor timesteps, AttentionContext context, Tensor guidance) {
    check(sample, timesteps, context.tokens());
    checkGuidance(sample, guidance);
    StackedLinear stack = context.kept(this) instanceof StackedLinear made ? made : null;
    boolean shared =
        stack != null && guidance == null && timesteps.dim(0) == 1 && !sample.tracked();
    if (!shared && timesteps.dim(0) != sample.dim(0)) {
      Tensor[] same = new Tensor[sample.dim(0)];
      Arrays.fill(same, timesteps);
      return Scope.tidy(() -> forward(sample, concat(0, same), context, guidance));
    }
    int first = config.blockOutChannels().getFirst();
    try (Range _ = sample.device().range("UNet2DConditionModel");
        Scope scope = Scope.open()) {
      Tensor sinusoids =
          sinusoids(timesteps, first, config.flipSinToCos(), config.freqShift(), 10_000);
      Tensor cast = cast(sinusoids, sample.dtype());
      Tensor embedded =
          guidance == null ? timeEmbedding.forward(cast) : timeEmbedding.forward(cast, guidance);
      // Every residual block applies the same SiLU to the embedding first.
      Tensor after = silu(embedded); // [N, 4 · first]
      TimeEmbedding time =
          shared ? TimeEmbedding.shared(after, stack, resnets().toList()) : TimeEmbedding.of(after);
      List<Tensor> kept = new ArrayList<>();
      Tensor x = convIn.forward(sample); // [N, H, W, first]
      kept.add(x);
      for (DownBlock block : down) {
        x = block.forward(x, time, context, kept);
      }
      if (middle != null) {
        x = middle.forward(x, time, context);
      }
      for (UpBlock block : up) {
        Tensor y = block.forward(x, time, context, kept);
        x.close();
        x = y;
      }
      return scope.keep(convOut.forward(normOut.forwardSilu(x))); // [N, H, W, out]
    }
  }

  /**
   * A context that is the same for many steps, {@code [N, S, crossAttentionDim]}: keys and values
   * of all layers are computed now, and live in the current scope. Where memory is not the host's
   * they do so beside copies of the weights that are multiplied together in each step: query, key
   * and value of self-attention, and the projections of a time embedding that all samples share.
   * The model's weights must not change meanwhile.
   */
  public AttentionContext constant(Tensor context) {
    AttentionContext constant =
        AttentionContext.constant(
            context,
            layers(DownBlock::crossAttention, MidBlock::crossAttention, UpBlock::crossAttention));
    if (!context.device().isHost()) {
      layers(DownBlock::selfAttention, MidBlock::selfAttention, UpBlock::selfAttention)
          .forEach(layer -> layer.keepStack(constant));
      List<StackedLinear.Pair> pairs = resnets().map(ResnetBlock2D::timeProjection).toList();
      constant.keep(this, StackedLinear.of(pairs, context.dtype()));
    }
    return constant;
  }

  private Stream<ResnetBlock2D> resnets() {
    return layers(DownBlock::resnets, MidBlock::resnets, UpBlock::resnets);
  }

  private <T> Stream<T> layers(
      Function<DownBlock, Stream<T>> ofDown,
      Function<MidBlock, Stream<T>> ofMiddle,
      Function<UpBlock, Stream<T>> ofUp) {
    return Stream.of(
            down.stream().flatMap(ofDown),
            middle == null ? Stream.<T>of() : ofMiddle.apply(middle),
            up.stream().flatMap(ofUp))
        .flatMap(each -> each);
  }

  private void checkGuidance(Tensor sample, Tensor guidance) {
    int width = config.timeCondProjDim();
    if (guidance != null
        && !(width > 0
            && guidance.shape().equals(Shape.of(sample.dim(0), width))
            && guidance.dtype() == sample.dtype())) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "UNet2DCondition: guidance %s for sample %s; %s is wanted",
              guidance.describe(),
              sample.describe(),
              width == 0 ? "none" : String.format(Locale.ROOT, "[N, %d] of its dtype", width)));
    }
  }

  private void check(Tensor sample, Tensor timesteps, Tensor context) {
    int multiple = config.sizeMultiple();
    boolean fits =
        sample.shape().rank() == 4
            && sample.dim(3) == config.inChannels()
            && sample.dim(1) % multiple == 0
            && sample.dim(2) % multiple == 0
            && timesteps.shape().rank() == 1
            && (timesteps.dim(0) == sample.dim(0) || timesteps.dim(0) == 1)
            && context.shape().rank() == 3
            && context.dim(0) == sample.dim(0)
            && context.dim(2) == config.crossAttentionDim();
    if (!fits) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "UNet2DCondition: sample %s, timesteps %s, context %s; wanted [N, H, W, %d] with H"
                  + " and W multiples of %d, [N] or [1], [N, S, %d]",
              sample.describe(),
              timesteps.describe(),
              context.describe(),
              config.inChannels(),
              multiple,
              config.crossAttentionDim()));
    }
  }
}
