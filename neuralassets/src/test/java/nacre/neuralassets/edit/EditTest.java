package nacre.neuralassets.edit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.render.Shape;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EditTest {
  private static final int FRAME = 5;
  private static final SceneDescription DESCRIPTION =
      new SceneGenerator(SceneConfig.demo().withObjects(3, 3), 8).describe(1);
  private static final Scene SCENE = SceneRenderer.render(DESCRIPTION, 32, 32, 2);
  private static final String NAME = SCENE.names().get(1);

  private static Box3 before() {
    return SCENE.frames().get(FRAME).views().get(1).box3();
  }

  private static Box3 after(String edits) {
    EditedScene edited = EditedScene.apply(SCENE, FRAME, EditParser.parse(edits));
    assertEquals(SCENE.frames().get(FRAME).views().get(0).box3(), edited.slots().get(0).box());
    return edited.slots().get(1).box();
  }

  @Test
  void translateMovesEveryCorner() {
    Box3 box = after("translate " + NAME + " 0.5 -0.25 0.125");
    for (int i = 0; i < 8; i++) {
      Vec3 moved = box.corner(i).minus(before().corner(i));
      assertEquals(0, moved.minus(new Vec3(0.5, -0.25, 0.125)).length(), 1e-12);
    }
  }

  @Test
  void rotateTurnsAboutTheVerticalRightHanded() {
    Box3 box = after("rotate " + NAME + " 90");
    Vec3 center = before().center();
    assertEquals(0, box.center().minus(center).length(), 1e-12);
    for (int i = 0; i < 8; i++) {
      Vec3 from = before().corner(i).minus(center);
      Vec3 to = box.corner(i).minus(center);
      assertEquals(0, to.minus(new Vec3(-from.y(), from.x(), from.z())).length(), 1e-12);
    }
  }

  @Test
  void rotateTakesAnAxis() {
    Box3 box = after("rotate " + NAME + " 180 1 0 0");
    Vec3 center = before().center();
    Vec3 from = before().corner(3).minus(center);
    Vec3 to = box.corner(3).minus(center);
    assertEquals(0, to.minus(new Vec3(from.x(), -from.y(), -from.z())).length(), 1e-12);
  }

  @Test
  void resizeKeepsTheObjectOnTheGround() {
    Box3 box = after("resize " + NAME + " 1.5");
    assertEquals(0, box.size().minus(before().size().times(1.5)).length(), 1e-12);
    assertEquals(lowest(before()), lowest(box), 1e-12);
    assertEquals(before().center().x(), box.center().x(), 1e-12);
    assertEquals(before().center().y(), box.center().y(), 1e-12);
  }

  private static double lowest(Box3 box) {
    return box.corners().stream().mapToDouble(Vec3::z).min().orElseThrow();
  }

  @Test
  void removeLeavesAnEmptySlot() {
    EditedScene edited = EditedScene.apply(SCENE, FRAME, EditParser.parse("remove " + NAME));
    assertFalse(edited.slots().get(1).isPresent());
    assertArrayEquals(new float[PoseVector.LENGTH], edited.poses()[1]);
    assertTrue(edited.slots().get(0).isPresent());
    Camera camera = SCENE.frames().get(FRAME).camera();
    assertArrayEquals(
        PoseVector.ofBox(SCENE.frames().get(FRAME).views().get(0).box3(), camera),
        edited.poses()[0]);
  }

  @Test
  void replaceChangesTheAppearanceAndKeepsTheBox() {
    EditedScene edited =
        EditedScene.apply(SCENE, FRAME, EditParser.parse("replace " + NAME + " 7:blue-cone"));
    assertEquals(new Edit.Donor("7", "blue-cone"), edited.slots().get(1).donor());
    assertEquals(before(), edited.slots().get(1).box());
    assertNull(edited.slots().get(0).donor());
    assertNull(edited.background());
  }

  @Test
  void backgroundNamesItsScene() {
    EditedScene edited =
        EditedScene.apply(SCENE, FRAME, EditParser.parse("background /data/my scene"));
    assertEquals("/data/my scene", edited.background());
  }

  @Test
  void severalEditsAreCarriedOutInOrder() {
    Box3 box = after("rotate " + NAME + " 30; translate " + NAME + " 0 0 1;resize " + NAME + " 2");
    assertEquals(lowest(before()) + 1, lowest(box), 1e-12);
    assertEquals(2 * before().size().x(), box.size().x(), 1e-12);
  }

  @Test
  void unknownNamesAreAnsweredWithTheNamesThereAre() {
    EditException e =
        assertThrows(
            EditException.class,
            () -> EditedScene.apply(SCENE, FRAME, EditParser.parse("remove gold-teapot")));
    assertTrue(e.getMessage().contains("gold-teapot"), e.getMessage());
    for (String name : SCENE.names()) {
      assertTrue(e.getMessage().contains(name), e.getMessage());
    }
    EditException truth =
        assertThrows(
            EditException.class,
            () ->
                GroundTruth.render(
                    DESCRIPTION, FRAME, EditParser.parse("remove gold-teapot"), 8, 8, 1));
    assertEquals(e.getMessage(), truth.getMessage());
  }

  @Test
  void boxesBehindTheCameraAreRefused() {
    Vec3 behind = SCENE.frames().get(FRAME).camera().cameraToWorld().apply(new Vec3(0, 0, 9));
    Edit edit = new Edit.Translate(NAME, behind);
    EditException e =
        assertThrows(EditException.class, () -> EditedScene.apply(SCENE, FRAME, List.of(edit)));
    assertTrue(e.getMessage().contains("behind the camera"), e.getMessage());
  }

  @Test
  void removedObjectsCannotBeEdited() {
    EditException e =
        assertThrows(
            EditException.class,
            () ->
                EditedScene.apply(
                    SCENE, FRAME, EditParser.parse("remove " + NAME + "; rotate " + NAME + " 5")));
    assertTrue(e.getMessage().contains("was removed"), e.getMessage());
  }

  private static Camera camera(String edits) {
    return EditedScene.apply(SCENE, FRAME, EditParser.parse(edits)).camera();
  }

  private static void assertNear(Vec3 wanted, Vec3 is) {
    assertEquals(0, wanted.minus(is).length(), 1e-9, () -> wanted + " is " + is);
  }

  private static Vec3 axis(Camera camera, double x, double y, double z) {
    return camera.cameraToWorld().rotation().rotate(new Vec3(x, y, z));
  }

  @Test
  void cameraMovesAsItSeesItself() {
    Camera own = SCENE.frames().get(FRAME).camera();
    Camera moved = camera("camera 1 2 3");
    Vec3 by = axis(own, 1, 0, 0).plus(axis(own, 0, 2, 0)).plus(axis(own, 0, 0, -3));
    assertNear(own.cameraToWorld().translation().plus(by), moved.cameraToWorld().translation());
    assertNear(axis(own, 0, 0, -1), axis(moved, 0, 0, -1));
    assertEquals(own.intrinsics(), moved.intrinsics());
  }

  @Test
  void cameraTurnsToTheLeftAboutTheVerticalAndUp() {
    Camera own = SCENE.frames().get(FRAME).camera();
    Vec3 before = axis(own, 0, 0, -1);
    Camera left = camera("camera 0 0 0 90 0");
    assertNear(new Vec3(-before.y(), before.x(), before.z()), axis(left, 0, 0, -1));
    Camera raised = camera("camera 0 0 0 0 30");
    double elevation = Math.asin(before.z()) + Math.toRadians(30);
    assertEquals(Math.sin(elevation), axis(raised, 0, 0, -1).z(), 1e-9);
    assertNear(axis(own, 1, 0, 0), axis(raised, 1, 0, 0));
    Vec3 twice = camera("camera 1 0 0 90 0; camera 0 0 2").cameraToWorld().translation();
    assertNear(
        own.cameraToWorld().translation().plus(axis(own, 1, 0, 0)).plus(axis(left, 0, 0, -2)),
        twice);
  }

  @Test
  void cameraMovesBeforeAllElse() {
    List<Edit> first = EditParser.parse("camera 0.2 0.3 0 5 -4; translate " + NAME + " 0.5 0 0");
    EditedScene edited = EditedScene.apply(SCENE, FRAME, first);
    assertEquals(edited, EditedScene.apply(SCENE, FRAME, first.reversed()));
    assertEquals(before().translated(new Vec3(0.5, 0, 0)), edited.slots().get(1).box());
    SceneFrame truth = GroundTruth.render(DESCRIPTION, FRAME, first, 32, 32, 2);
    assertEquals(edited.camera(), truth.camera());
    EditException e =
        assertThrows(
            EditException.class,
            () ->
                EditedScene.apply(
                    SCENE, FRAME, EditParser.parse("camera 0 0 40; rotate " + NAME + " 5")));
    assertTrue(e.getMessage().contains("not in this frame"), e.getMessage());
  }

  @Test
  void theViewOfAMovedCameraHasItsBoxes() {
    SceneView view = SceneView.of("1", SCENE, 32, 4).withFrames(FRAME, FRAME);
    SceneView moved = ChangedView.of(view, EditParser.parse("camera 0.4 0 0"), 4);
    assertEquals(camera("camera 0.4 0 0"), moved.scene().frames().get(moved.target()).camera());
    double before =
        view.scene().frames().get(FRAME).views().get(1).box3().extent(camera("camera 0 0 0")).x0();
    double after = moved.scene().frames().get(moved.target()).views().get(1).box2().x0();
    assertTrue(after < before, "what stands still goes to the left");
    assertEquals(
        SCENE.frames().get(FRAME).camera(), moved.scene().frames().get(moved.source()).camera());
  }

  /** The geometry of edits and the edited rendering must be about the same boxes. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "translate % 0.4 -0.3 0.2",
        "rotate % 75",
        "rotate % 40 1 0.5 0",
        "resize % 0.6",
        "rotate % 30 0 1 0; resize % 1.3; translate % 0 0.2 0"
      })
  void truthHasTheEditedBoxes(String text) {
    for (String name : SCENE.names()) {
      List<Edit> edits = EditParser.parse(text.replace("%", name));
      SceneFrame truth = GroundTruth.render(DESCRIPTION, FRAME, edits, 32, 32, 2);
      EditedScene edited = EditedScene.apply(SCENE, FRAME, edits);
      for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 8; k++) {
          Vec3 a = truth.views().get(i).box3().corner(k);
          Vec3 b = edited.slots().get(i).box().corner(k);
          assertEquals(0, a.minus(b).length(), 1e-9);
        }
      }
    }
  }

  @Test
  void truthWithoutEditsIsTheFrame() {
    SceneFrame truth = GroundTruth.render(DESCRIPTION, FRAME, List.of(), 32, 32, 2);
    assertArrayEquals(SCENE.frames().get(FRAME).rgb(), truth.rgb());
    SceneFrame removed =
        GroundTruth.render(DESCRIPTION, FRAME, EditParser.parse("remove " + NAME), 32, 32, 2);
    assertEquals(2, removed.views().size());
    assertThrows(
        EditException.class,
        () -> GroundTruth.render(DESCRIPTION, FRAME, EditParser.parse("background 4"), 8, 8, 1));
  }

  @Test
  void replacedObjectsKeepTheirBoxes() {
    SceneDescription other = new SceneGenerator(SceneConfig.demo(), 9).describe(4);
    SceneDescription.Solid donor =
        other.objects().stream().filter(s -> s.shape() != Shape.TORUS).findFirst().orElseThrow();
    List<Edit> edits = EditParser.parse("replace " + NAME + " other:" + donor.name());
    SceneDescription edited =
        GroundTruth.describe(
            DESCRIPTION,
            FRAME,
            edits,
            name -> {
              assertEquals("other", name);
              return other;
            });
    int index = SCENE.indexOf(NAME);
    SceneDescription.Solid after = edited.objects().get(index);
    SceneDescription.Solid before = DESCRIPTION.objects().get(index);
    assertEquals(donor.shape(), after.shape());
    assertEquals(donor.coat(), after.coat());
    assertEquals(before.halfExtents(), after.halfExtents());
    assertEquals(before.poses(), after.poses());
    assertEquals(NAME, after.name());
  }

  @Test
  void backgroundsAreThoseOfTheSameCamera() {
    SceneDescription other = new SceneGenerator(SceneConfig.demo(), 9).describe(4);
    List<Edit> edits = EditParser.parse("background other");
    EditException e =
        assertThrows(
            EditException.class, () -> GroundTruth.describe(DESCRIPTION, FRAME, edits, _ -> other));
    assertTrue(e.getMessage().contains("another camera"), e.getMessage());
    SceneDescription seen =
        new SceneDescription(
            DESCRIPTION.cameras(), DESCRIPTION.objects(), other.ground(), other.light());
    SceneDescription edited = GroundTruth.describe(DESCRIPTION, FRAME, edits, _ -> seen);
    assertEquals(other.ground(), edited.ground());
    assertEquals(other.light(), edited.light());
    assertEquals(DESCRIPTION.objects(), edited.objects());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ; ",
        "explode red-box",
        "translate red-box 1 2",
        "translate red-box 1 2 3 4",
        "translate red-box 1 two 3",
        "rotate red-box",
        "rotate red-box NaN",
        "rotate red-box 3 1 0",
        "rotate red-box 3 0 0 0",
        "resize red-box 0",
        "resize red-box -1",
        "remove",
        "replace red-box blue-cone",
        "replace red-box :blue-cone",
        "background",
        "camera 1 2",
        "camera 1 2 3 4",
        "camera 1 2 3 4 5 6",
        "camera 1 2 3 4 x"
      })
  void nonsenseIsRefusedInOneLine(String text) {
    EditException e = assertThrows(EditException.class, () -> EditParser.parse(text));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(e.getMessage().length() > 20, e.getMessage());
  }

  @Test
  void jsonSaysTheSameAsStrings(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("edits.json");
    Files.writeString(
        file,
        """
        ["translate a 1 2 3; remove b",
         {"edit": "translate", "object": "a", "by": [1, 2, 3]},
         {"edit": "rotate", "object": "a", "degrees": 90},
         {"edit": "rotate", "object": "a", "degrees": 90, "axis": [1, 0, 0]},
         {"edit": "resize", "object": "a", "factor": 1.5},
         {"edit": "remove", "object": "a"},
         {"edit": "replace", "object": "a", "by": {"scene": 7, "object": "blue-cone"}},
         {"edit": "background", "scene": "folder/of scene"},
         {"edit": "camera", "by": [1, 2, 3]},
         {"edit": "camera", "degrees": [4, 5]},
         {"edit": "camera", "by": [1, 2, 3], "degrees": [4, 5]}]
        """);
    assertEquals(
        EditParser.parse(
            "translate a 1 2 3; remove b; translate a 1 2 3; rotate a 90; rotate a 90 1 0 0; resize"
                + " a 1.5; remove a; replace a 7:blue-cone; background folder/of scene; camera 1 2"
                + " 3; camera 0 0 0 4 5; camera 1 2 3 4 5"),
        EditParser.readJson(file));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[",
        "{}",
        "[]",
        "[3]",
        "[\"explode a\"]",
        "[{\"edit\": \"explode\", \"object\": \"a\"}]",
        "[{\"object\": \"a\"}]",
        "[{\"edit\": \"translate\", \"object\": \"a\"}]",
        "[{\"edit\": \"translate\", \"object\": \"a\", \"by\": [1, 2]}]",
        "[{\"edit\": \"translate\", \"object\": \"a\", \"by\": [1, 2, \"x\"]}]",
        "[{\"edit\": \"rotate\", \"object\": \"a\", \"degrees\": \"x\"}]",
        "[{\"edit\": \"camera\", \"by\": [1, 2]}]",
        "[{\"edit\": \"camera\", \"degrees\": [1, 2, 3]}]",
        "[{\"edit\": \"camera\", \"degrees\": [1, null]}]",
        "[{\"edit\": \"replace\", \"object\": \"a\", \"by\": \"b\"}]"
      })
  void badJsonIsRefusedWithItsFile(String json, @TempDir Path folder) throws IOException {
    Path file = folder.resolve("edits.json");
    Files.writeString(file, json);
    EditException e = assertThrows(EditException.class, () -> EditParser.readJson(file));
    assertTrue(e.getMessage().contains("edits.json"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertThrows(WeightsException.class, () -> EditParser.readJson(folder.resolve("none.json")));
  }
}
