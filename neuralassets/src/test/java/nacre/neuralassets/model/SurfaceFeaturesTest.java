package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SurfaceFeaturesTest {
  private static final Camera CAMERA =
      new Camera(
          new RigidPose(Quaternion.about(new Vec3(1, 0.1, 0.2), 0.9), new Vec3(1, -6, 5)),
          Intrinsics.ofLens(35, 32, 32));

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Box3 box() {
    RigidPose turned =
        new RigidPose(Quaternion.about(new Vec3(0.3, 0.2, 1), 0.7), new Vec3(0.4, 0.5, 0.9));
    return Box3.of(turned, new Vec3(0.5, 0.7, 0.9));
  }

  /** A point of the box by its own coordinates from −1 to 1, to corners 1, 2 and 4. */
  private static Vec3 point(Box3 box, double a, double b, double c) {
    Vec3 o = box.corner(0);
    return o.plus(box.corner(1).minus(o).times((a + 1) / 2))
        .plus(box.corner(2).minus(o).times((b + 1) / 2))
        .plus(box.corner(4).minus(o).times((c + 1) / 2));
  }

  /** Every ray that meets the box does so on its surface, in its pixel, before the center. */
  @Test
  void raysEnterTheBoxWhereTheCameraSeesIt() {
    Box3 box = box();
    float[] pose = PoseVector.ofBox(box, CAMERA);
    var seen = box.extent(CAMERA);
    float[] box2 = seen.toArray();
    float[] features = new SurfaceFeatures(4).of(box2, pose, 2);
    assertEquals(4 * 16 * 5, features.length);
    Projection center = CAMERA.project(box.center());
    double nearest = Double.POSITIVE_INFINITY;
    double farthest = 0;
    for (int i = 0; i < 8; i++) {
      double d = CAMERA.project(box.corner(i)).depth();
      nearest = Math.min(nearest, d);
      farthest = Math.max(farthest, d);
    }
    int hits = 0;
    for (int y = 0; y < 8; y++) {
      for (int x = 0; x < 8; x++) {
        int cell = y / 4 * 2 + x / 4;
        int at = (cell * 16 + y % 4 * 4 + x % 4) * 5;
        if (features[at] == 0) {
          assertArrayEquals(new float[5], Arrays.copyOfRange(features, at, at + 5));
          continue;
        }
        hits++;
        float a = features[at + 2];
        float b = features[at + 3];
        float c = features[at + 4];
        double most = Math.max(Math.abs(a), Math.max(Math.abs(b), Math.abs(c)));
        assertEquals(1, most, 1e-5, "on the surface");
        Projection p = CAMERA.project(point(box, a, b, c));
        assertEquals(box2[1] + (box2[3] - box2[1]) * (x + 0.5) / 8, p.u(), 1e-5);
        assertEquals(box2[0] + (box2[2] - box2[0]) * (y + 0.5) / 8, p.v(), 1e-5);
        double depth = features[at + 1] * (farthest - nearest) + center.depth();
        assertEquals(p.depth(), depth, 1e-4);
        // Nothing of the box is nearer along this ray: a little before it is outside.
        Vec3 before = CAMERA.unproject(new Projection(p.u(), p.v(), p.depth() - 1e-3));
        assertTrue(isOutside(box, before));
      }
    }
    assertTrue(hits > 30 && hits < 64, "hits: " + hits);
  }

  private static boolean isOutside(Box3 box, Vec3 p) {
    Vec3 from = p.minus(box.corner(0));
    for (int corner : new int[] {1, 2, 4}) {
      Vec3 edge = box.corner(corner).minus(box.corner(0));
      double along = from.dot(edge) / edge.dot(edge);
      if (along < 0 || along > 1) {
        return true;
      }
    }
    return false;
  }

  @Test
  void whatIsNotSeenOrNotThereHasNone() {
    float[] pose = PoseVector.ofBox(box(), CAMERA);
    SurfaceFeatures surface = new SurfaceFeatures(1);
    assertArrayEquals(new float[20], surface.of(new float[4], pose, 2));
    assertArrayEquals(new float[20], surface.of(new float[] {0, 0, 1, 1}, new float[12], 2));
    assertEquals(0, new SurfaceFeatures(0).width());
  }

  /** A token changes with its object's place in the source, and with nothing of the others. */
  @Test
  void tokensHoldTheGeometryOfTheirOwnObject() {
    Preset preset = Variants.tiny("{'asset_tokens': {'surface_rays': 1}}");
    DataConfig data = DataConfig.of(preset.data().orElseThrow());
    Conditioning pair = HeldOut.pairs(data, 1, 16).conditioning();
    try (Scope _ = Scope.open()) {
      NeuralAssets model = new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 1), preset);
      float[] before = model.tokens(pair).toFloats();
      int slot = pair.boxes()[2] > 0 ? 0 : 1;
      for (int k = 2; k < 12; k += 3) {
        pair.sourcePoses()[slot * 12 + k] *= k == 2 ? 1.2f : 1; // one corner farther away
      }
      float[] after = model.tokens(pair).toFloats();
      int each = 4 * 32;
      for (int i = 0; i < 4; i++) {
        boolean same =
            Arrays.equals(before, i * each, (i + 1) * each, after, i * each, (i + 1) * each);
        assertEquals(i != slot, same, "slot " + i);
      }
      assertEquals(Shape.of(1, 16, 32), model.unconditionalTokens(3).shape());
      pair.keep()[0] = 0;
      assertArrayEquals(
          model.unconditionalTokens(3).toFloats(), model.tokens(pair).toFloats(), 1e-6f);
      pair.keep()[0] = 1;
      assertFalse(Arrays.equals(before, model.tokens(pair).toFloats()));
    }
  }

  @Test
  void wrongNumbersAreRefusedInOneLine() {
    assertRefused(
        "{'asset_tokens': {'surface_rays': -1}}",
        "asset_tokens.surface_rays must be a whole number from 0 to 64, not -1");
    assertRefused(
        SourceInputTest.BOXES.replace("'boxes'", "'boxes', 'surface_rays': 1"),
        "asset_tokens.surface_rays: leave it out, it goes with appearance, which tokens of boxes do"
            + " not have");
  }

  private static void assertRefused(String keys, String told) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Variants.tiny(keys));
    assertEquals("preset mine: " + told, e.getMessage());
  }
}
