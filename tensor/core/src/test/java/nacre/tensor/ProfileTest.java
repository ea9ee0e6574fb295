package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import nacre.tensor.ops.Activation;
import nacre.tensor.ops.Affine;
import nacre.tensor.ops.Linear;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("backend")
class ProfileTest {
  @Test
  void countsWhatIsComputedAndChangesNothing() {
    Profile profile = Profile.of(Device.host());
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(profile.device(), Shape.of(2), 1, -2);
      Tensor other = Tensor.of(profile.device(), Shape.of(3), 1, 2, 3);
      profile.reset();
      Tensor y = Activation.relu(x);
      Activation.relu(y);
      Activation.relu(other);
      Affine.scale(x, 2);
      assertArrayEquals(new float[] {1, 0}, y.toFloats());
    }
    assertEquals(
        3,
        profile.operations().stream()
            .filter(row -> row.operation().equals("unary"))
            .findFirst()
            .orElseThrow()
            .calls());
    assertTrue(
        profile.signatures().stream()
            .anyMatch(
                row ->
                    row.operation().equals("unary")
                        && row.operands().equals("f32[2] f32[2]")
                        && row.calls() == 2));
    assertTrue(profile.operations().stream().allMatch(row -> row.seconds() > 0));
  }

  @Test
  void countsBytesAndProducts() {
    Profile profile = Profile.of(Device.host());
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.zeros(profile.device(), DType.F32, Shape.of(3, 5));
      Tensor w = Tensor.zeros(profile.device(), DType.F32, Shape.of(7, 5));
      Tensor b = Tensor.zeros(profile.device(), DType.F32, Shape.of(7));
      Tensor part = Tensor.empty(profile.device(), DType.F32, Shape.of(1, 5));
      profile.reset();
      Linear.linear(x, w, b);
      x.backend().slice(x, new int[] {1, 0}, part);
    }
    Profile.Row product =
        profile.operations().stream().filter(row -> row.flop() > 0).findFirst().orElseThrow();
    assertEquals(2 * 3 * 5 * 7, product.flop());
    assertEquals(4 * (3 * 5 + 7 * 5 + 7), product.reads());
    assertEquals(4 * 3 * 7, product.writes());
    Profile.Row slice =
        profile.operations().stream()
            .filter(row -> row.operation().equals("slice"))
            .findFirst()
            .orElseThrow();
    assertEquals(4 * 5, slice.reads());
    assertEquals(4 * 5, slice.writes());
  }

  @Test
  void throwsWhatTheBackendThrows() {
    Profile profile = Profile.of(Device.host());
    Tensor closed;
    try (Scope _ = Scope.open()) {
      closed = Tensor.of(profile.device(), Shape.of(2), 1, 2);
    }
    assertThrows(IllegalStateException.class, () -> closed.backend().fill(closed, 1));
  }
}
