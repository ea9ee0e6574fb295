package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What layers say of sizes that make no layer. */
class SizesTest {
  private static final Device CPU = Device.cpu();

  private interface Maker {
    Object make(Parameters p);
  }

  private static Arguments wrong(String message, Maker maker) {
    return Arguments.of(message, maker);
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        wrong("Linear at m.l: in is 0, must be 1 or more", p -> new Linear(p, 0, 4)),
        wrong("Linear at m.l: out is -3, must be 1 or more", p -> new Linear(p, 2, -3, false)),
        wrong("Conv2d at m.l: kernel is 0, must be 1 or more", p -> new Conv2d(p, 3, 4, 0, 1, 0)),
        wrong("Conv2d at m.l: in is 0, must be 1 or more", p -> new Conv2d(p, 0, 4, 3, 1, 1)),
        wrong("GroupNorm at m.l: channels 10 is no multiple of groups 4", p -> norm(p, 4, 10)),
        wrong("GroupNorm at m.l: groups is 0, must be 1 or more", p -> norm(p, 0, 10)),
        wrong("GroupNorm at m.l: channels is 0, must be 1 or more", p -> norm(p, 4, 0)),
        wrong(
            "LayerNorm at m.l: eps is NaN, must be a number not below 0",
            p -> new LayerNorm(p, 4, Double.NaN)),
        wrong("Attention at m.l: heads is 0, must be 1 or more", p -> attention(p, 0, 8)),
        wrong(
            "Attention at m.l: heads 65536 times headWidth 65536 is more than an axis can have",
            p -> attention(p, 65536, 65536)),
        wrong("Embedding at m.l: count is 0, must be 1 or more", p -> new Embedding(p, 0, 4)),
        wrong(
            "FeedForward at m.l: factor 4 times width 1073741824 is more than an axis can have",
            p -> new FeedForward(p, 1 << 30)));
  }

  private static GroupNorm norm(Parameters p, int groups, int channels) {
    return new GroupNorm(p, groups, channels, 1e-5);
  }

  private static Attention attention(Parameters p, int heads, int headWidth) {
    return new Attention(p, 8, 8, heads, headWidth);
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aSizeThatMakesNoLayerIsNamed(String message, Maker maker) {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1).at("m").at("l");
      assertEquals(
          message, assertThrows(IllegalArgumentException.class, () -> maker.make(p)).getMessage());
      assertEquals(0, p.all().size());
    }
  }

  @Test
  void attentionNamesInputsThatDoNotMeet() {
    try (Scope _ = Scope.open()) {
      Attention layer = new Attention(Parameters.create(CPU, DType.F32, 1), 4, 4, 2, 2);
      Tensor x = Tensor.zeros(CPU, DType.F32, Shape.of(2, 3, 4));
      Tensor context = Tensor.zeros(CPU, DType.F32, Shape.of(1, 5, 4));
      assertEquals(
          "Attention: input f32[2, 3, 4]@cpu and context f32[1, 5, 4]@cpu want shapes [N, T, width]"
              + " and [N, S, contextWidth]",
          assertThrows(IllegalArgumentException.class, () -> layer.forward(x, context))
              .getMessage());
    }
  }
}
