package nacre.evaluation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.FramePair;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Scene;
import nacre.weights.Sha256;

/**
 * Pairs of frames as cases, one of each clip: from the source frame the target frame is to be
 * drawn. Clips are read when asked for.
 */
public final class PairCases implements EditCases {
  /** The kind of all of them. */
  public static final String KIND = "pair";

  private static final int BOX = 4;

  private final ClipSource clips;
  private final int count;
  private final DataConfig config;
  private final int slots;
  private final int size;
  private final BadData bad;

  /**
   * Pairs of the first clips of a data set.
   *
   * @param count of the clips
   * @param slots objects that the models have room for
   * @param size S, side of the pictures in pixels
   * @param bad what becomes of clips that cannot be read
   */
  public PairCases(
      ClipSource clips, int count, DataConfig config, int slots, int size, BadData bad) {
    this.clips = clips;
    this.count = count;
    this.config = config;
    this.slots = slots;
    this.size = size;
    this.bad = bad;
  }

  /** Pairs of rendered scenes on which no run trains, with as many slots as the data set has. */
  public static PairCases heldOut(int count, DataConfig config, int size) {
    return heldOut(count, config, config.slots(), size);
  }

  /** The same for models that have room for another number of objects. */
  public static PairCases heldOut(int count, DataConfig config, int slots, int size) {
    return new PairCases(
        new ClipSource() {
          @Override
          public int size() {
            return count;
          }

          @Override
          public Scene scene(int index) {
            return HeldOut.scene(config, index, size);
          }

          @Override
          public String name(int index) {
            return "held-out " + index;
          }

          @Override
          public String describe() {
            return "held-out rendered scenes";
          }
        },
        count,
        config,
        slots,
        size,
        BadData.refused());
  }

  @Override
  public int size() {
    return count;
  }

  @Override
  public String describe() {
    return String.format(Locale.ROOT, "%,d pairs of %s", count, clips.describe());
  }

  /** Of the identities of the clips, and of what is done to them. */
  @Override
  public String digest() {
    Sha256 digest = new Sha256().add(KIND).add(clips.describe()).add(config.rendering().toString());
    digest.add(size + " pixels, " + slots + " slots");
    for (int i = 0; i < count; i++) {
      digest.add(clips.id(i));
    }
    return digest.hex();
  }

  @Override
  public Optional<EditCase> get(int number) throws IOException {
    try {
      return Optional.of(read(number));
    } catch (UncheckedIOException e) {
      bad.met(clips.name(number), e.getCause());
    } catch (IOException e) {
      bad.met(clips.name(number), e);
    }
    return Optional.empty();
  }

  private EditCase read(int number) throws IOException {
    Scene scene = clips.scene(number);
    if (scene.frames().size() < 2) {
      throw new IOException(
          clips.name(number) + ": has a single frame; pairs are two frames of one scene");
    }
    String name = clips.name(number);
    Clip clip = Clip.of(name, scene, size, slots);
    FramePair pair = HeldOut.pair(clip, number, config);
    SceneView view = new SceneView(name, scene, clip, pair.source(), pair.target());
    clip.rgb(pair.source()); // so that one that cannot be read is known now
    return new EditCase(
        clips.id(number),
        KIND,
        view,
        List.of(),
        PairCases::noOther,
        clip.rgb(pair.target()),
        visible(clip.boxes(pair.target())));
  }

  private static SceneView noOther(String name) {
    throw new EditException("a pair of frames has no other scene, asked for is " + name);
  }

  private static float[] visible(float[] boxes) {
    float[] kept = new float[boxes.length];
    int at = 0;
    for (int k = 0; k < boxes.length; k += BOX) {
      if (boxes[k + 2] > boxes[k] && boxes[k + 3] > boxes[k + 1]) {
        System.arraycopy(boxes, k, kept, at, BOX);
        at += BOX;
      }
    }
    return Arrays.copyOf(kept, at);
  }
}
