package nacre.neuralassets.edit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

/** Objects that are put in once more. */
class DuplicateTest {
  private static SceneView view() throws Exception {
    DataConfig config = DataConfig.of(Preset.builtin("demo").data().orElseThrow());
    return SceneView.of("3", HeldOut.scene(config, 3, 32), 32, 8);
  }

  @Test
  void aDuplicateBeginsWhereItsObjectIsAndMovesByItself() throws Exception {
    SceneView view = view();
    String name = view.scene().names().getFirst();
    List<Edit> edits =
        EditParser.parse("duplicate " + name + " twin; translate twin 0.5 0 0; remove " + name);
    EditedScene edited = EditedScene.apply(view.scene(), view.target(), edits);
    Box3 own = view.scene().frames().get(view.target()).boxes().getFirst();
    EditedScene.Slot twin = edited.slots().getLast();
    assertEquals("twin", twin.name());
    assertEquals(own.translated(new Vec3(0.5, 0, 0)), twin.box());
    assertTrue(!edited.slots().getFirst().isPresent());
  }

  @Test
  void theViewHasTheSourcesAppearanceTwice() throws Exception {
    SceneView view = view();
    String name = view.scene().names().getFirst();
    List<Edit> edits = EditParser.parse("duplicate " + name + " a; duplicate a b");
    SceneView more = ChangedView.of(view, edits, 8);
    int count = view.scene().entities().size();
    assertEquals(count + 2, more.scene().entities().size());
    var source = more.scene().frames().get(more.source());
    assertEquals(source.views().getFirst(), source.views().get(count));
    assertEquals(source.views().getFirst(), source.views().get(count + 1));
    assertEquals(view.scene().frames().get(view.source()).rgb().length, source.rgb().length);
    assertSame(view, ChangedView.of(view, List.of(), 8));
  }

  @Test
  void saysWhatCannotBe() throws Exception {
    SceneView view = view();
    String name = view.scene().names().getFirst();
    String taken = view.scene().names().get(1);
    assertTold(view, "duplicate nothing a", "no object of that name");
    assertTold(view, "duplicate " + name + " " + taken, "already");
    assertTold(
        view,
        "duplicate "
            + name
            + " a; duplicate "
            + name
            + " b; duplicate a c; duplicate a d; duplicate a e",
        "room for 8");
    assertTold(view, "duplicate " + name, "too few");
  }

  private static void assertTold(SceneView view, String edits, String told) {
    EditException e =
        assertThrows(EditException.class, () -> ChangedView.of(view, EditParser.parse(edits), 8));
    assertTrue(e.getMessage().contains(told), e.getMessage());
  }
}
