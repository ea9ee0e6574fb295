package nacre.cli;

import static nacre.tensor.ops.Concat.concat;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nacre.cli.options.Seed;
import nacre.cli.output.Progress;
import nacre.diffusion.Inpainting;
import nacre.neuralassets.edit.EditRegion;
import nacre.neuralassets.edit.EditTokens;
import nacre.neuralassets.edit.KeptBackground;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

/**
 * What the drawing of a scene begins with: noise, random or inverted from the source frame, and the
 * part of the source frame that is kept.
 */
public final class DrawingStart {
  private final Sampler sampler;
  private final EditTokens tokens;
  private final Seed seed;
  private final Mode mode;
  private final Map<String, float[]> encoded = new HashMap<>();
  private final Map<String, float[]> inverted = new HashMap<>();

  /**
   * How drawing begins.
   *
   * @param keptMargin margin around edited objects, outside of which the source frame is kept; null
   *     if all is drawn anew
   * @param inverts whether the noise is that to which DDIM inverts the source frame
   */
  public record Mode(Double keptMargin, boolean inverts) {
    /** Random noise, and everything drawn anew. */
    public static final Mode ANEW = new Mode(null, false);
  }

  DrawingStart(Sampler sampler, EditTokens tokens, Seed seed, Mode mode) {
    this.sampler = sampler;
    this.tokens = tokens;
    this.seed = seed;
    this.mode = mode;
  }

  /** The seed of a later picture. */
  Seed seed(int later) {
    return seed.plus(later);
  }

  private Shape shape(int count) {
    Preset preset = sampler.model().preset();
    int side = preset.sampleSize();
    return Shape.of(count, side, side, preset.sampleChannels());
  }

  private static String name(SceneView view) {
    return view.source() + " " + view.name();
  }

  /**
   * Inverts the source frames that pictures begin with.
   *
   * @param progress nullable
   */
  void prepare(List<SamplePictures.Order> orders, Progress progress) throws IOException {
    Map<String, SceneView> views = new HashMap<>();
    orders.forEach(order -> views.put(name(order.view()), order.view()));
    views.keySet().removeAll(inverted.keySet());
    if (!mode.inverts || views.isEmpty()) {
      return;
    }
    long total = (long) views.size() * sampler.steps();
    long[] done = {0};
    if (progress != null) {
      progress.phase("", 0, total);
    }
    for (SceneView view : views.values()) {
      try (Scope _ = Scope.open()) {
        EncodedConditioning own =
            tokens.encode(view.withFrames(view.source(), view.source()), List.of());
        Tensor noise =
            sampler.invert(
                own,
                samples(view),
                step -> {
                  if (progress != null) {
                    progress.phase("inverting the source", ++done[0], total);
                  }
                });
        inverted.put(name(view), noise.toFloats());
      }
    }
  }

  /** The source frame in samples, {@code [1, s, s, c]}; it is encoded once. */
  private Tensor samples(SceneView view) {
    return Tensor.of(device(), shape(1), encoded.computeIfAbsent(name(view), _ -> encode(view)));
  }

  private float[] encode(SceneView view) {
    try (Scope _ = Scope.open()) {
      return KeptBackground.samples(sampler.model(), view).toFloats();
    }
  }

  private Device device() {
    return sampler.model().device();
  }

  /** The noise of pictures, {@code [B, s, s, c]}; those with the same seed have the same. */
  Tensor noise(List<SamplePictures.Order> orders) {
    return Scope.tidy(
        () ->
            concat(
                0,
                orders.stream()
                    .map(
                        order ->
                            mode.inverts
                                ? Tensor.of(device(), shape(1), inverted.get(name(order.view())))
                                : RandomNormal.normal(
                                    device(), shape(1), seed(order.later()).bits(), 0))
                    .toArray(Tensor[]::new)));
  }

  /** What is kept of the source frames while pictures are drawn; null for nothing. */
  Inpainting kept(List<SamplePictures.Order> orders, Tensor noise) {
    if (mode.keptMargin == null) {
      return null;
    }
    return KeptBackground.of(
        orders.stream().map(this::region).toList(),
        orders.stream().map(order -> samples(order.view())).toList(),
        noise);
  }

  private EditRegion region(SamplePictures.Order order) {
    return EditRegion.of(order.view(), order.edits(), mode.keptMargin);
  }

  /** A picture with what is kept of the source frame, to the bit; packed bytes. */
  byte[] paste(SamplePictures.Order order, byte[] drawn) {
    SceneView view = order.view();
    return mode.keptMargin == null
        ? drawn
        : region(order).paste(view.clip().rgb(view.source()), drawn);
  }
}
