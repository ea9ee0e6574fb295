package nacre.evaluation.benchmark;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import nacre.evaluation.EditCase;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.SceneLibrary;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.weights.Sha256;

/**
 * The benchmark of edits: {@value #COUNT} edits of rendered scenes on which no run trains, the same
 * for everybody. The camera stands still: what is edited is the source frame, and the true picture
 * is rendered from the changed description of the scene.
 *
 * <p>Scenes are those of the preset {@code demo}: two to four objects. What is edited is seen well,
 * stays in the picture and clear of other objects, and changes the picture visibly; {@link
 * EditKind} says what changes, each kind in one of seven cases.
 */
public final class EditBenchmark {
  /** The number of cases. */
  public static final int COUNT = 300;

  private static final EditKind[] KINDS = EditKind.values();

  private EditBenchmark() {}

  /** All cases; see {@link #cases(int, int, int, int)}. */
  public static List<EditCase> cases(int size, int slots, int samples) {
    return cases(COUNT, size, slots, samples);
  }

  /**
   * The first cases. The same edits at every size.
   *
   * @param count of the cases
   * @param size S, side of the pictures in pixels
   * @param slots objects that the model has room for, at least 3
   * @param samples rays a pixel along each side
   */
  public static List<EditCase> cases(int count, int size, int slots, int samples) {
    if (count < 1 || count > COUNT || slots < EditChecks.SLOTS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "benchmark of edits: %d cases for a model with %d slots; it has 1 to %d cases, for"
                  + " models with %d slots or more",
              count,
              slots,
              COUNT,
              EditChecks.SLOTS));
    }
    EditDrawing drawing = new EditDrawing(SceneConfig.demo());
    return IntStream.range(0, count)
        .parallel()
        .mapToObj(
            i -> {
              EditKind kind = KINDS[i % KINDS.length];
              String id = String.format(Locale.ROOT, "%s-%02d", kind.label(), i / KINDS.length);
              return render(id, drawing.draw(i, kind), size, slots, samples);
            })
        .toList();
  }

  private static EditCase render(String id, EditDraft draft, int size, int slots, int samples) {
    Map<String, SceneView> donors =
        draft.donors().entrySet().stream()
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey, e -> view(e.getKey(), e.getValue(), size, slots, samples)));
    SceneLibrary library =
        name -> {
          SceneView donor = donors.get(name);
          if (donor == null) {
            throw new EditException("case " + id + " has no scene " + name);
          }
          return donor;
        };
    SceneView view = view(id, draft.scene(), size, slots, samples);
    SceneDescription edited = draft.stages().getLast();
    SceneFrame truth = SceneRenderer.renderFrame(edited, 0, size, size, samples);
    return new EditCase(
        id,
        draft.kind().label(),
        view,
        draft.edits(),
        library,
        truth.rgb(),
        boxes(draft, edited, view.scene().frames().getFirst(), truth));
  }

  private static SceneView view(
      String name, SceneDescription description, int size, int slots, int samples) {
    Scene scene = SceneRenderer.render(description, size, size, samples);
    return new SceneView(name, scene, Clip.of(name, scene, size, slots), 0, 0);
  }

  /** The boxes of what is edited, before and after; of a background all of the picture. */
  private static float[] boxes(
      EditDraft draft, SceneDescription edited, SceneFrame before, SceneFrame after) {
    Set<Box2> boxes = new LinkedHashSet<>();
    for (String name : draft.edited()) {
      add(boxes, name, draft.scene(), before);
      add(boxes, name, edited, after);
    }
    if (boxes.isEmpty()) {
      boxes.add(Box2.FULL);
    }
    float[] all = new float[4 * boxes.size()];
    int at = 0;
    for (Box2 box : boxes) {
      System.arraycopy(box.toArray(), 0, all, at, 4);
      at += 4;
    }
    return all;
  }

  private static void add(Set<Box2> boxes, String name, SceneDescription scene, SceneFrame frame) {
    int index = scene.objects().stream().map(Solid::name).toList().indexOf(name);
    if (index >= 0) {
      ObjectView view = frame.views().get(index);
      boxes.add(view.isVisible() ? view.box2() : view.box3().extent(frame.camera()));
    }
  }

  /** The digest of cases: of every source, edit, box and true picture. */
  public static String digest(List<EditCase> cases) {
    Sha256 digest = new Sha256();
    for (EditCase one : cases) {
      List<Float> boxes = new ArrayList<>();
      for (float value : one.boxes()) {
        boxes.add(value);
      }
      digest.add(one.id()).add(one.kind()).add(one.edits().toString()).add(boxes.toString());
      digest.add(ByteBuffer.wrap(one.view().clip().rgb(one.view().source())));
      digest.add(ByteBuffer.wrap(one.truth()));
    }
    return digest.hex();
  }
}
