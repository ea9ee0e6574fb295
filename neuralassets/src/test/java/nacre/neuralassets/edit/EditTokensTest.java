package nacre.neuralassets.edit;

import static nacre.neuralassets.edit.HandmadeScene.seen;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.FramePair;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Variants;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PoseVector;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EditTokensTest {
  private final Preset preset = Preset.builtin("tiny");
  private final DataConfig data = DataConfig.of(preset.data().orElseThrow());
  private Scope scope;
  private NeuralAssets model;
  private EditTokens tokens;
  private SceneView view;

  @BeforeEach
  void open() {
    scope = Scope.open();
    model = new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 1), preset);
    tokens = new EditTokens(model, data.slots(), this::scene);
    view = scene("0");
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private SceneView scene(String name) {
    var scene = HeldOut.scene(data, Long.parseLong(name), preset.imageSize());
    return SceneView.of(name, scene, preset.imageSize(), data.slots());
  }

  private float[] of(Edit... edits) throws IOException {
    return tokens.of(view, List.of(edits)).toFloats();
  }

  /** The numbers of one slot's tokens; the background's slot comes last. */
  private float[] slot(float[] all, int slot) {
    int each = all.length / (data.slots() + 1);
    return Arrays.copyOfRange(all, slot * each, (slot + 1) * each);
  }

  private String name(int slot) {
    return view.scene().entities().get(view.clip().sceneIndices().get(slot)).name();
  }

  private void assertOnlyChanged(int changed, float[] before, float[] after) {
    for (int slot = 0; slot <= data.slots(); slot++) {
      boolean same = Arrays.equals(slot(before, slot), slot(after, slot));
      assertEquals(slot != changed, same, "slot " + slot);
    }
  }

  @Test
  void withoutEditsTheTokensAreThoseOfThePair() throws IOException {
    FramePair frames = FramePair.of(view.clip(), view.source(), view.target());
    PairBatch pair = PairBatch.of(List.of(frames), preset.imageSize(), data.slots());
    assertArrayEquals(model.tokens(pair.conditioning()).toFloats(), of());
  }

  @Test
  void aMovedObjectChangesItsOwnTokensOnly() throws IOException {
    float[] before = of();
    assertOnlyChanged(0, before, of(ShowEdits.translate(view, name(0))));
    assertOnlyChanged(1, before, of(new Edit.Rotate(name(1), 90, null)));
    assertOnlyChanged(1, before, of(new Edit.Resize(name(1), 0.5)));
    assertArrayEquals(before, of(new Edit.Rotate(name(1), 0, null)), 1e-4f);
  }

  @Test
  void aRemovedObjectHasTheTokensOfAnEmptySlot() throws IOException {
    float[] before = of();
    float[] after = of(new Edit.Remove(name(1)));
    assertOnlyChanged(1, before, after);
    float[] nothing = model.unconditionalTokens(data.slots()).toFloats();
    assertArrayEquals(slot(nothing, 1), slot(after, 1));
  }

  @Test
  void aReplacedObjectHasAnothersLooksAtItsOwnPlace() throws IOException {
    float[] before = of();
    SceneView other = scene("1");
    String lent = ShowEdits.clearest(other).orElseThrow();
    float[] after = of(new Edit.Replace(name(0), new Edit.Donor("1", lent)));
    assertOnlyChanged(0, before, after);
    // Replaced by itself from the frame that shows it best, moved: the place must follow the edit.
    Edit move = ShowEdits.translate(view, name(0));
    assertFalse(
        Arrays.equals(
            slot(after, 0),
            slot(of(move, new Edit.Replace(name(0), new Edit.Donor("1", lent))), 0)));
  }

  /**
   * A lent object looks as in the frame that shows most of it, the first of equals, and has the
   * pose of the one that it replaces, whichever their slots.
   */
  @Test
  void aLentObjectComesFromTheFrameThatShowsMostOfIt() throws IOException {
    ObjectView flat = seen(0.8, 0.1, 0.9, 0.9); // 0.08
    ObjectView square = seen(0.1, 0.1, 0.5, 0.5); // 0.16
    ObjectView narrow = seen(0.1, 0.8, 0.9, 0.89); // 0.072
    ObjectView whole = seen(0, 0, 1, 1);
    HandmadeScene frames = new HandmadeScene(0);
    frames.frame(flat, square).frame(square, whole).frame(square, flat);
    frames.frame(narrow, narrow).frame(flat, whole);
    SceneView lender = frames.view("hand", data.slots());
    EditTokens lending = new EditTokens(model, data.slots(), _ -> lender);
    for (int lent = 0; lent < 2; lent++) {
      for (int replaced = 0; replaced < 2; replaced++) {
        Edit edit = new Edit.Replace(name(replaced), new Edit.Donor("hand", lent == 0 ? "a" : "b"));
        float[] after = lending.of(view, List.of(edit)).toFloats();
        FramePair best = FramePair.of(lender.clip(), 1, 1);
        var pair = PairBatch.of(List.of(best), preset.imageSize(), data.slots()).conditioning();
        float[] pose = view.clip().poses(view.target());
        System.arraycopy(
            pose,
            replaced * PoseVector.LENGTH,
            pair.poses(),
            lent * PoseVector.LENGTH,
            PoseVector.LENGTH);
        assertArrayEquals(slot(model.tokens(pair).toFloats(), lent), slot(after, replaced));
      }
    }
  }

  @Test
  void objectsWithoutASlotAreRefusedByName() {
    SceneView narrow =
        new HandmadeScene(0)
            .frame(seen(0, 0, 0.1, 0.1), seen(0, 0, 1, 1))
            .frame(seen(0, 0, 0.1, 0.1), seen(0, 0, 1, 1))
            .view("hand", 1);
    EditTokens one = new EditTokens(model, 1, _ -> narrow);
    String message =
        assertThrows(EditException.class, () -> one.of(narrow, List.of(new Edit.Remove("a"))))
            .getMessage();
    assertEquals(
        "a cannot be edited: the model has room for 1 objects, and others are larger", message);
    Edit lent = new Edit.Replace("b", new Edit.Donor("hand", "a"));
    message = assertThrows(EditException.class, () -> one.of(narrow, List.of(lent))).getMessage();
    assertEquals("a of scene hand has no slot: others are larger", message);
  }

  @Test
  void aBackgroundComesFromAnotherScene() throws IOException {
    float[] before = of();
    float[] after = of(new Edit.Background("3"));
    assertOnlyChanged(data.slots(), before, after);
  }

  @Test
  void objectsThatDoNotExistAreNamed() {
    String message =
        assertThrows(EditException.class, () -> of(new Edit.Remove("green-cow"))).getMessage();
    assertTrue(message.contains("green-cow") && message.contains(name(0)), message);
    var donor = new Edit.Donor("1", "green-cow");
    message =
        assertThrows(EditException.class, () -> of(new Edit.Replace(name(0), donor))).getMessage();
    assertTrue(message.contains("green-cow"), message);
    message = assertThrows(EditException.class, () -> view.withFrames(0, 99)).getMessage();
    assertTrue(message.contains("frames are 0 to 11"), message);
  }

  @Test
  void withoutTokensOfTheBackgroundItIsNotReplaced() throws IOException {
    Preset none = Variants.tiny("{'asset_tokens': {'background': 'none'}}");
    NeuralAssets blind = new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 1), none);
    EditTokens objects = new EditTokens(blind, data.slots(), this::scene);
    float[] whole = objects.of(view, List.of()).toFloats();
    assertEquals(data.slots() * 4 * 32, whole.length);
    float[] moved = objects.of(view, List.of(ShowEdits.translate(view, name(0)))).toFloats();
    assertFalse(Arrays.equals(whole, moved));
    EditException e =
        assertThrows(
            EditException.class, () -> objects.of(view, List.of(new Edit.Background("3"))));
    assertEquals(
        "the background cannot be replaced: this model has no token of it"
            + " (asset_tokens.background is \"none\")",
        e.getMessage());
  }

  /** 3DIT's tokens: edits move the target, what is removed has none, and looks cannot be lent. */
  @Test
  void editsOfBoxesMoveTheTarget() throws IOException {
    Preset boxes =
        Variants.tiny(
            "{'unet_input': 'source', 'unet': {'in_channels': 28},"
                + " 'asset_tokens': {'content': 'boxes'}}");
    model = new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 1), boxes);
    tokens = new EditTokens(model, data.slots(), this::scene);
    FramePair frames = FramePair.of(view.clip(), view.source(), view.target());
    var pair = PairBatch.of(List.of(frames), 16, data.slots()).conditioning();
    float[] before = of();
    assertArrayEquals(model.tokens(pair).toFloats(), before);
    assertOnlyChanged(0, before, of(ShowEdits.translate(view, name(0))));
    float[] removed = of(new Edit.Remove(name(1)));
    assertOnlyChanged(1, before, removed);
    Arrays.fill(pair.poses(), PoseVector.LENGTH, 2 * PoseVector.LENGTH, 0);
    assertArrayEquals(model.tokens(pair).toFloats(), removed);
    var given = tokens.encode(view, List.of(new Edit.Remove(name(1))));
    assertArrayEquals(removed, given.tokens().toFloats());
    assertArrayEquals(model.source(pair).toFloats(), given.source().toFloats());
    EditException e =
        assertThrows(
            EditException.class, () -> of(new Edit.Replace(name(0), new Edit.Donor("1", name(0)))));
    assertEquals(
        "an object cannot be replaced: this model takes its looks from the source frame, where the"
            + " other one is not (asset_tokens.content is \"boxes\")",
        e.getMessage());
    e = assertThrows(EditException.class, () -> of(new Edit.Background("3")));
    assertTrue(e.getMessage().startsWith("the background cannot be replaced: this model sees"));
  }

  /** What is lent has the pose that the lender shows, beside the one that it gets. */
  @Test
  void aLentObjectBringsThePoseInWhichItIsSeen() throws IOException {
    Preset both = Variants.tiny("{'asset_tokens': {'source_pose': true}}");
    model = new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 1), both);
    tokens = new EditTokens(model, data.slots(), this::scene);
    float[] before = of();
    assertOnlyChanged(0, before, of(new Edit.Rotate(name(0), 90, null)));
    SceneView other = scene("1");
    Edit lend = new Edit.Replace(name(0), new Edit.Donor("1", ShowEdits.clearest(other).get()));
    assertOnlyChanged(0, before, of(lend));
    float[] nothing = model.unconditionalTokens(data.slots()).toFloats();
    assertArrayEquals(slot(nothing, 1), slot(of(new Edit.Remove(name(1))), 1));
  }
}
