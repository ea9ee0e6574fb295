package nacre.neuralassets.edit;

import static nacre.neuralassets.edit.HandmadeScene.object;
import static nacre.neuralassets.edit.HandmadeScene.seen;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The edits that a sheet shows, on scenes that are worked out by hand. */
class ShowEditsTest {
  private static final Box2 SEEN = new Box2(0.4, 0.4, 0.6, 0.6);

  /** Its step is the cube root of 1 · 2 · 0.5. */
  private static final Vec3 LONG = new Vec3(1, 2, 0.5);

  private static ObjectView at(double x, double y, double z, Vec3 size) {
    return object(new Vec3(x, y, z), size, SEEN);
  }

  private static Vec3 move(double roll, ObjectView moved, ObjectView... others) {
    ObjectView[] all = new ObjectView[others.length + 1];
    all[0] = moved;
    System.arraycopy(others, 0, all, 1, others.length);
    ObjectView[] before = all.clone(); // elsewhere: the target frame counts
    before[0] = at(50, 50, 0, new Vec3(9, 9, 9));
    SceneView view = new HandmadeScene(roll).frame(before).frame(all).view("hand", 4);
    Edit.Translate edit = (Edit.Translate) ShowEdits.translate(view, "a");
    assertEquals("a", edit.object());
    return edit.by();
  }

  private static void assertMove(double x, double y, Vec3 moved) {
    assertEquals(new Vec3(x, y, 0), moved.plus(Vec3.ZERO), "moved by");
  }

  @Test
  void anObjectMovesAwayFromOthersByItsOwnSize() {
    assertMove(-1, 0, move(0, at(0, 0, 0, LONG), at(3, 0, 0, LONG)));
    assertMove(1, 0, move(0, at(0, 0, 0, LONG), at(-3, 0, 0, LONG)));
    assertMove(0, 1, move(0, at(0, 0, 0, LONG), at(0, -3, 0, LONG)));
    assertMove(0, -1, move(0, at(0, 0, 0, LONG), at(0, 3, 0, LONG)));
    // The cube root of 1.5 · 3 · 0.75 is 1.5, and 1.5 / √2 = 1.0607, in hundredths.
    Vec3 larger = LONG.times(1.5);
    assertMove(1.06, -1.06, move(0, at(0, 0, 0, larger), at(-2, 2, 0, larger)));
    assertMove(-1.06, 1.06, move(0, at(0, 0, 0, larger), at(2, -2, 0, larger)));
  }

  @Test
  void theNearestOfTheOthersCounts() {
    // The mean of the others is to the left, the nearest of them to the right.
    ObjectView[] others = {at(-6, 0, 0, LONG), at(-6, 1, 0, LONG), at(2, 0, 0, LONG)};
    assertMove(-1, 0, move(0, at(0, 0, 0, LONG), others));
  }

  @Test
  void objectsThatAreNotThereTakeNoRoom() {
    assertMove(-1, 0, move(0, at(0, 0, 0, LONG), ObjectView.ABSENT, at(3, 0, 0, LONG)));
  }

  /** A camera that is rolled still moves objects along the ground. */
  @Test
  void theGroundIsLevelWhateverTheCamerasRoll() {
    assertMove(-1, 0, move(30, at(0, 0, 0, LONG), at(3, 0, 0, LONG)));
    assertMove(0, 1, move(-30, at(0, 0, 0, LONG), at(0, -3, 0, LONG)));
  }

  /** To the right there is most room, but beyond u = 0.85 is no place. */
  @Test
  void theResultIsInThePicture() {
    // (3.71, 0.71): u = 0.5 + 3.71 / 10.71 = 0.846, and farther from the other than (3, ±1).
    assertMove(0.71, 0.71, move(0, at(3, 0, 0, LONG), at(0, 0, 0, LONG)));
    assertMove(-0.71, 0.71, move(0, at(-3, 0, 0, LONG), at(0, 0, 0, LONG)));
    // (0, −1): v = 0.5 + 3.2 / 9 = 0.856. (0.71, −0.71): v = 0.844.
    assertMove(0.71, -0.71, move(0, at(0, 0, -3.2, LONG), at(-0.3, 2, -3.2, LONG)));
    assertMove(0.71, -0.71, move(0, at(0, 0, 3.2, LONG), at(-0.3, 2, 3.2, LONG)));
  }

  /** Of places with three of its sizes' room or more the first is taken, if none is behind. */
  @Test
  void theResultIsBeforeTheCamera() {
    assertMove(-0.71, 0.71, move(0, at(0, -8.4, 0, LONG), at(0, 0, 0, LONG)));
  }

  /**
   * What is seen best has the largest of the smaller areas of source and target; of equals the
   * first goes first.
   */
  @Test
  void theObjectSeenBestInBothFramesComesFirst() {
    ObjectView whole = seen(0, 0, 1, 1);
    ObjectView a = seen(0.8, 0.1, 0.9, 0.9); // 0.08
    ObjectView b = seen(0.1, 0.1, 0.5, 0.5); // 0.16
    ObjectView c = seen(0.1, 0.8, 0.9, 0.89); // 0.072
    ObjectView d = seen(0.5, 0.5, 0.9, 0.9); // 0.16 but for rounding
    for (boolean turned : new boolean[] {false, true}) {
      ObjectView[] small = {a, b, c, b, ObjectView.ABSENT};
      ObjectView[] large = {whole, d, whole, d, whole};
      SceneView view =
          new HandmadeScene(0)
              .frame(turned ? small : large)
              .frame(seen(0, 0, 0.1, 0.1), whole, whole, whole, whole) // does not count
              .frame(turned ? large : small)
              .view("hand", 5);
      assertEquals(List.of(1, 3, 0, 2, 4), ShowEdits.byClarity(view));
      assertEquals(Optional.of("b"), ShowEdits.clearest(view));
    }
  }

  /** An object that one of the two frames does not show is none to demonstrate with. */
  @ParameterizedTest
  @CsvSource({"0.5, 0.2, a", "0.5, 0, none", "0, 0.5, none", "0, 0, none"})
  void whatIsNotSeenInBothFramesIsNotShown(double source, double target, String wanted) {
    SceneView view =
        new HandmadeScene(0)
            .frame(seen(0, 0, source, source))
            .frame(seen(0, 0, target, target))
            .view("hand", 4);
    assertEquals(wanted, ShowEdits.clearest(view).orElse("none"));
  }
}
