package nacre.neuralassets.data;

import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.scene.PoseVector;

/**
 * A batch of training pairs packed into arrays on the host, row-major. B pairs of S by S pixels
 * with N slots.
 *
 * @param conditioning the model's input about the targets: the source frames, and the boxes and
 *     poses of their objects
 * @param target the target frames, {@code [B, S, S, 3]} in [−1, 1]
 * @param targetBoxes the objects' boxes in the target frames, {@code [B, N, 4]}; the model never
 *     sees them
 * @param timesteps {@code [B]}
 * @param moments of each target frame what it is encoded as, see {@link EncodedFrames#moments};
 *     null where that is not known
 * @param sourceMoments the same of each source frame
 */
public record PairBatch(
    Conditioning conditioning,
    float[] target,
    float[] targetBoxes,
    int[] timesteps,
    float[][] moments,
    float[][] sourceMoments) {

  /** What the model sees of each level of a color. */
  private static final float[] LEVELS = new float[256];

  static {
    for (int level = 0; level < 256; level++) {
      LEVELS[level] = level / 127.5f - 1;
    }
  }

  /** A batch of whose source frames no moments are known. */
  public PairBatch(
      Conditioning conditioning,
      float[] target,
      float[] targetBoxes,
      int[] timesteps,
      float[][] moments) {
    this(conditioning, target, targetBoxes, timesteps, moments, new float[timesteps.length][]);
  }

  /**
   * Packs pairs.
   *
   * @param size S, the side of the clips' frames
   * @param slots N
   */
  public static PairBatch of(List<FramePair> pairs, int size, int slots) {
    return of(pairs, size, slots, EncodedFrames.NONE);
  }

  /** As {@link #of(List, int, int)}, with what is known of the target frames' encodings. */
  public static PairBatch of(List<FramePair> pairs, int size, int slots, EncodedFrames encoded) {
    int count = pairs.size();
    Conditioning conditioning =
        Conditioning.of(
            size,
            slots,
            new float[count * size * size * 3],
            new float[count * slots * Clip.BOX],
            new float[count * slots * PoseVector.LENGTH],
            new float[count * slots * PoseVector.LENGTH],
            new float[count * PoseVector.LENGTH]);
    PairBatch batch =
        new PairBatch(
            conditioning,
            new float[count * size * size * 3],
            new float[count * slots * Clip.BOX],
            new int[count],
            new float[count][]);
    for (int i = 0; i < count; i++) {
      batch.put(i, pairs.get(i), encoded);
    }
    return batch;
  }

  /** B, the number of pairs. */
  public int count() {
    return timesteps.length;
  }

  /** S, the side of the frames in pixels. */
  public int size() {
    return conditioning.size();
  }

  /** N, the number of slots of each pair. */
  public int slots() {
    return conditioning.slots();
  }

  /** Pairs {@code from} to {@code from + count} − 1. */
  public PairBatch slice(int from, int count) {
    int frame = target.length / count();
    int boxes = targetBoxes.length / count();
    return new PairBatch(
        conditioning.slice(from, count),
        Arrays.copyOfRange(target, from * frame, (from + count) * frame),
        Arrays.copyOfRange(targetBoxes, from * boxes, (from + count) * boxes),
        Arrays.copyOfRange(timesteps, from, from + count),
        Arrays.copyOfRange(moments, from, from + count),
        Arrays.copyOfRange(sourceMoments, from, from + count));
  }

  private void put(int at, FramePair pair, EncodedFrames encoded) {
    Clip clip = pair.clip();
    pixels(clip.rgb(pair.source()), conditioning.source(), at);
    pixels(clip.rgb(pair.target()), target, at);
    for (int i = 0; i < clip.objects(); i++) {
      if (pair.slots()[i] < 0) {
        continue;
      }
      int slot = at * slots() + pair.slots()[i];
      copy(clip.boxes(pair.source()), i, conditioning.boxes(), slot, Clip.BOX);
      copy(clip.boxes(pair.target()), i, targetBoxes, slot, Clip.BOX);
      copy(clip.poses(pair.source()), i, conditioning.sourcePoses(), slot, PoseVector.LENGTH);
      copy(clip.poses(pair.target()), i, conditioning.poses(), slot, PoseVector.LENGTH);
    }
    int seen = pair.use().isJittered() ? pair.target() : pair.source();
    float[] background = PoseVector.ofBackground(clip.camera(seen), clip.camera(pair.target()));
    copy(background, 0, conditioning.backgroundPoses(), at, PoseVector.LENGTH);
    SourcePicture picture = new SourcePicture(conditioning, at);
    if (pair.use().isJittered()) {
      picture.jitter(target, targetBoxes);
    }
    if (pair.use().hidden().length > 0) {
      picture.mask(pair.use().hidden(), pair.use().hidesBackground());
    }
    if (pair.isMirrored()) {
      Mirror.apply(this, at);
    }
    moments[at] = encoded.moments(pair.targetFrame());
    boolean known = encoded.ofSources() && pair.use().isWhole();
    sourceMoments[at] = known ? encoded.moments(pair.sourceFrame()) : null;
    conditioning.keep()[at] = pair.isDropped() ? 0 : 1;
    conditioning.keepSource()[at] = pair.use().isDropped() ? 0 : 1;
    timesteps[at] = pair.timestep();
  }

  /** Copies row {@code i} of one array to row {@code j} of another. */
  private static void copy(float[] from, int i, float[] to, int j, int length) {
    System.arraycopy(from, i * length, to, j * length, length);
  }

  /**
   * Factors on errors that make the squared errors inside the targets' object boxes count {@code
   * weight} times, with a mean square of 1 over each image: {@code [B, S, S, 3]}.
   */
  public float[] errorWeights(double weight) {
    int pixels = size() * size();
    float[] factors = new float[count() * pixels * 3];
    for (int i = 0; i < count(); i++) {
      boolean[] inside = targetMask(i);
      int objects = 0;
      for (boolean in : inside) {
        objects += in ? 1 : 0;
      }
      double scale = pixels / (pixels + (weight - 1) * objects);
      float outer = (float) Math.sqrt(scale);
      float inner = (float) Math.sqrt(scale * weight);
      for (int k = 0; k < 3 * pixels; k++) {
        factors[i * pixels * 3 + k] = inside[k / 3] ? inner : outer;
      }
    }
    return factors;
  }

  /** The pixels of target frame {@code i} that lie in one of its objects' boxes, row by row. */
  public boolean[] targetMask(int i) {
    return BoxMask.of(targetBoxes, i * slots() * Clip.BOX, slots(), size());
  }

  /**
   * Writes a frame as the model sees it, in [−1, 1].
   *
   * @param rgb packed bytes {@code [S, S, 3]}
   * @param at number of the frame in {@code to}
   */
  public static void pixels(byte[] rgb, float[] to, int at) {
    int offset = at * rgb.length;
    for (int k = 0; k < rgb.length; k++) {
      to[offset + k] = LEVELS[rgb[k] & 0xFF];
    }
  }
}
