package nacre.neuralassets.render;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.SceneFormatException;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SceneGeneratorTest {
  private static final SceneGenerator GENERATOR = new SceneGenerator(SceneConfig.standard(), 3);

  @Test
  void neverPutsOneObjectIntoAnother() {
    for (int clip = 0; clip < 60; clip++) {
      SceneDescription scene = GENERATOR.describe(clip);
      for (int t = 0; t < scene.frames(); t++) {
        for (int a = 0; a < scene.objects().size(); a++) {
          for (int b = 0; b < a; b++) {
            List<Vec3> one = footprint(scene.objects().get(a), t);
            List<Vec3> other = footprint(scene.objects().get(b), t);
            assertTrue(
                separated(one, other), "clip %d frame %d objects %d, %d".formatted(clip, t, a, b));
          }
        }
      }
    }
  }

  /** Points around the solid as seen from above. */
  private static List<Vec3> footprint(Solid solid, int frame) {
    Vec3 at = solid.poses().get(frame).translation();
    Vec3 half = solid.halfExtents();
    boolean flatRing = solid.shape() == Shape.TORUS && half.z() == at.z();
    if (solid.shape() == Shape.BOX || (solid.shape() == Shape.TORUS && !flatRing)) {
      return box(solid, frame).corners();
    }
    List<Vec3> circle = new ArrayList<>();
    for (int k = 0; k < 360; k++) {
      double angle = Math.toRadians(k);
      circle.add(at.plus(new Vec3(half.x() * Math.cos(angle), half.x() * Math.sin(angle), 0)));
    }
    return circle;
  }

  private static Box3 box(Solid solid, int frame) {
    return Box3.of(solid.poses().get(frame), solid.halfExtents());
  }

  /** True if some line on the ground has the two sets of points on different sides. */
  private static boolean separated(List<Vec3> one, List<Vec3> other) {
    for (int k = 0; k < 180; k++) {
      double nx = Math.cos(Math.toRadians(2 * k));
      double ny = Math.sin(Math.toRadians(2 * k));
      double reach = Double.NEGATIVE_INFINITY;
      double from = Double.POSITIVE_INFINITY;
      for (Vec3 c : one) {
        reach = Math.max(reach, nx * c.x() + ny * c.y());
      }
      for (Vec3 c : other) {
        from = Math.min(from, nx * c.x() + ny * c.y());
      }
      if (reach < from) {
        return true;
      }
    }
    return false;
  }

  @Test
  void objectsStandOnTheGroundInViewUnderUniqueNames() {
    Set<Integer> counts = new HashSet<>();
    boolean moving = false;
    boolean resting = false;
    boolean still = false;
    boolean sweeping = false;
    for (int clip = 0; clip < 100; clip++) {
      SceneDescription scene = GENERATOR.describe(clip);
      counts.add(scene.objects().size());
      Set<String> names = new HashSet<>();
      boolean steady = scene.cameras().getFirst().equals(scene.cameras().getLast());
      still |= steady;
      sweeping |= !steady;
      assertTrue(
          !steady || scene.objects().stream().anyMatch(Solid::isDynamic),
          "clip " + clip + " shows nothing but the same picture");
      for (Solid solid : scene.objects()) {
        assertTrue(names.add(solid.name()));
        assertTrue(solid.name().endsWith("-" + solid.shape().label()), solid.name());
        moving |= solid.isDynamic();
        resting |= !solid.isDynamic();
        for (int t = 0; t < scene.frames(); t++) {
          Box3 box = box(solid, t);
          double lowest = box.corners().stream().mapToDouble(Vec3::z).min().orElseThrow();
          assertEquals(0, lowest, 1e-9);
          Camera camera = scene.cameras().get(t);
          assertTrue(box.minDepth(camera) > 0);
          Projection p = camera.project(box.center());
          assertTrue(p.u() > 0 && p.u() < 1 && p.v() > 0 && p.v() < 1);
        }
      }
    }
    assertEquals(Set.of(2, 3, 4, 5, 6), counts);
    assertTrue(moving && resting && still && sweeping);
  }

  @Test
  void configurationsAreKept() {
    SceneConfig config = SceneConfig.demo().withObjects(1, 1);
    SceneDescription scene = new SceneGenerator(config, 9).describe(0);
    assertEquals(1, scene.objects().size());
    assertEquals(12, scene.frames());
    assertEquals(
        config.objectRadius().max() * 1.0001
            > SceneGenerator.groundRadius(scene.objects().getFirst()),
        true);
  }

  @Test
  void aCrowdIsRefusedInPlainWords() {
    SceneGenerator crowd = new SceneGenerator(SceneConfig.demo().withObjects(60, 60), 1);
    var e = assertThrows(IllegalArgumentException.class, () -> crowd.describe(0));
    assertTrue(e.getMessage().contains("no room for 60 objects"), e.getMessage());
  }

  @Test
  void nonsenseIsRefusedByName() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> SceneConfig.demo().withObjects(4, 2));
    assertTrue(e.getMessage().contains("max_objects"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> new SceneConfig.Range(2, 1));
  }

  @Test
  void configurationsSurviveJson() throws Exception {
    JsonMapper mapper = new JsonMapper();
    SceneConfig config = SceneConfig.demo();
    assertEquals(config, mapper.readValue(mapper.writeValueAsBytes(config), SceneConfig.class));
  }

  @Test
  void originsGiveTheClipBack(@TempDir Path folder) throws Exception {
    assertEquals(Optional.empty(), SyntheticOrigin.read(folder));
    SyntheticOrigin origin = SyntheticOrigin.of(SceneConfig.demo(), 4, 17, 3);
    origin.write(folder);
    SyntheticOrigin read = SyntheticOrigin.read(folder).orElseThrow();
    assertEquals(origin, read);
    assertEquals(new SceneGenerator(SceneConfig.demo(), 4).describe(17), read.describe());
    new SyntheticOrigin(SceneGenerator.VERSION + 1, SceneConfig.demo(), 4, 17, 3).write(folder);
    assertEquals(Optional.empty(), SyntheticOrigin.read(folder));
    Files.writeString(folder.resolve("synthetic.json"), "{\"seed\": ");
    assertThrows(SceneFormatException.class, () -> SyntheticOrigin.read(folder));
  }

  @Test
  void randomStreamsAreIndependent() {
    CounterRandom a = new CounterRandom(1, 0);
    CounterRandom b = new CounterRandom(1, 1);
    double mean = 0;
    for (int i = 0; i < 10_000; i++) {
      double x = a.nextDouble();
      assertTrue(x >= 0 && x < 1);
      assertNotEquals(x, b.nextDouble());
      mean += x / 10_000;
    }
    assertEquals(0.5, mean, 0.01);
  }
}
