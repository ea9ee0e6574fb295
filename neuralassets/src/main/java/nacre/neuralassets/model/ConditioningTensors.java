package nacre.neuralassets.model;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import nacre.neuralassets.scene.PoseVector;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * A {@link Conditioning} on the device, as the layers read it. Whatever carries no gradient has
 * been computed on the host. All f32. The first three are for the image encoder, and null without
 * one.
 *
 * @param pixels {@code [2B, S, S, 3]}: the source images with all but the objects gray, then with
 *     the objects gray, normalized for the encoder; {@code [B, S, S, 3]}, the first half, if the
 *     background has no tokens
 * @param boxes {@code [B, N, 4]}: where the objects' features are cropped; outside the image for
 *     objects that are not seen, which gives zeros
 * @param wholes {@code [B, 1, 4]}: the same for the background
 * @param features {@code [B, N, F]}: of the objects' poses in the target; {@code [B, N, 2F]} with
 *     those of the source after them, if tokens hold them
 * @param backgroundPoses {@code [B, 12]}
 * @param surfaces {@code [B, N, K, 5m²]}: {@link SurfaceFeatures}; null if tokens hold none
 */
public record ConditioningTensors(
    Tensor pixels,
    Tensor boxes,
    Tensor wholes,
    Tensor features,
    Tensor backgroundPoses,
    Tensor surfaces) {

  /** A box outside of the image. */
  private static final float[] OUTSIDE = {2, 2, 3, 3};

  private static final float[] WHOLE = {0, 0, 1, 1};

  /** Unwritten tensors of such extents, in the current scope. */
  static ConditioningTensors empty(
      Device device, int batch, int size, int slots, AssetTokens config) {
    boolean seen = config.hasEncoder();
    int images = config.hasBackground() ? 2 * batch : batch;
    return new ConditioningTensors(
        seen ? empty(device, images, size, size, 3) : null,
        seen ? empty(device, batch, slots, 4) : null,
        seen ? empty(device, batch, 1, 4) : null,
        empty(device, batch, slots, config.poseWidth()),
        empty(device, batch, PoseVector.LENGTH),
        config.surface().rays() > 0
            ? empty(device, batch, slots, config.tokensPerObject(), config.surface().width())
            : null);
  }

  private static Tensor empty(Device device, int... extents) {
    return Tensor.empty(device, DType.F32, Shape.of(extents));
  }

  /** The tensors of a conditioning, in the current scope. */
  static ConditioningTensors of(Device device, Conditioning c, AssetTokens config) {
    ConditioningTensors inputs = empty(device, c.batch(), c.size(), c.slots(), config);
    inputs.write(c, config);
    return inputs;
  }

  /** The number of slots, N. */
  public int slots() {
    return features.dim(1);
  }

  /** Overwrites these with another conditioning of the same extents. */
  void write(Conditioning c, AssetTokens config) {
    if (config.hasEncoder()) {
      writeImages(c, config);
    }
    features.copyFrom(features(c, config));
    backgroundPoses.copyFrom(kept(c, c.backgroundPoses()));
    if (surfaces != null) {
      float[] poses = kept(c, known(c));
      surfaces.copyFrom(config.surface().of(c.boxes(), poses, config.roiSize()));
    }
  }

  private static float[] known(Conditioning c) {
    if (c.sourcePoses().length == 0) {
      throw new IllegalArgumentException(
          "conditioning: sourcePoses are missing, of which this model's tokens are made"
              + " (asset_tokens)");
    }
    return c.sourcePoses();
  }

  private void writeImages(Conditioning c, AssetTokens config) {
    int batch = c.batch();
    float[] pixels = new float[(int) this.pixels.elements()];
    float[] boxes = new float[c.boxes().length];
    float[] wholes = new float[4 * batch];
    boolean[] inside = new boolean[c.size() * c.size()];
    for (int b = 0; b < batch; b++) {
      boolean kept = c.keep()[b] != 0;
      copyBoxes(c, b, kept, boxes);
      mask(boxes, b * c.slots(), c.slots(), c.size(), inside);
      paint(c, b, inside, config, pixels);
      System.arraycopy(kept ? WHOLE : OUTSIDE, 0, wholes, 4 * b, 4);
    }
    this.pixels.copyFrom(pixels);
    this.boxes.copyFrom(boxes);
    this.wholes.copyFrom(wholes);
  }

  private static float[] features(Conditioning c, AssetTokens config) {
    PoseFeatures layers = config.poseFeatures();
    float[] target = layers.of(kept(c, c.poses()));
    if (!config.hasSourcePoses()) {
      return target;
    }
    float[] source = layers.of(kept(c, known(c)));
    int width = layers.width();
    float[] both = new float[2 * target.length];
    for (int i = 0; i < target.length / width; i++) {
      System.arraycopy(target, i * width, both, 2 * i * width, width);
      System.arraycopy(source, i * width, both, (2 * i + 1) * width, width);
    }
    return both;
  }

  /** A copy with zeros where the conditioning is dropped. */
  private static float[] kept(Conditioning c, float[] values) {
    float[] copy = new float[values.length];
    for (int b = 0; b < c.batch(); b++) {
      if (c.keep()[b] != 0) {
        copySample(values, copy, b, c.batch());
      }
    }
    return copy;
  }

  /** All tensors. */
  public List<Tensor> tensors() {
    return Stream.of(pixels, boxes, wholes, features, backgroundPoses, surfaces)
        .filter(Objects::nonNull)
        .toList();
  }

  private static void copySample(float[] from, float[] to, int b, int batch) {
    int length = from.length / batch;
    System.arraycopy(from, b * length, to, b * length, length);
  }

  private static void copyBoxes(Conditioning c, int b, boolean kept, float[] boxes) {
    for (int i = b * c.slots(); i < (b + 1) * c.slots(); i++) {
      float[] from = c.boxes();
      int at = 4 * i;
      boolean full = kept && from[at + 2] > from[at] && from[at + 3] > from[at + 1];
      System.arraycopy(full ? from : OUTSIDE, full ? at : 0, boxes, at, 4);
    }
  }

  /** Marks the pixels within boxes {@code first …}; edges are rounded half to even. */
  private static void mask(float[] boxes, int first, int slots, int size, boolean[] inside) {
    java.util.Arrays.fill(inside, false);
    for (int i = first; i < first + slots; i++) {
      int top = edge(boxes[4 * i], size);
      int left = edge(boxes[4 * i + 1], size);
      int bottom = edge(boxes[4 * i + 2], size);
      int right = edge(boxes[4 * i + 3], size);
      for (int row = top; row < bottom && left < right; row++) {
        java.util.Arrays.fill(inside, row * size + left, row * size + right, true);
      }
    }
  }

  private static int edge(float share, int size) {
    return (int) Math.clamp(Math.rint(share * size), 0, size);
  }

  /** Writes image b gray outside of the mask, and if there is room gray inside. */
  private static void paint(
      Conditioning c, int b, boolean[] inside, AssetTokens config, float[] pixels) {
    float[] source = c.source();
    int back = source.length;
    boolean hasBack = pixels.length > back;
    int at = b * inside.length * 3;
    for (boolean objects : inside) {
      for (int channel = 0; channel < 3; channel++, at++) {
        float scale = config.pixelScale(channel);
        float gray = config.pixelShift(channel);
        float color = scale * source[at] + gray;
        pixels[at] = objects ? color : gray;
        if (hasBack) {
          pixels[back + at] = objects ? gray : color;
        }
      }
    }
  }
}
