package nacre.neuralassets.model;

import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Reduce.mean;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import nacre.neuralassets.scene.PoseVector;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Philox;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the preset keys of the paper's ablations change in the tokens, and what they leave alone.
 */
class AblationsTest {
  private static final int S = 16;
  private static final int K = 4;
  private static final int C = 32;
  private static final String NO_POSE = "{'asset_tokens': {'background': 'no_pose'}}";
  private static final String NONE = "{'asset_tokens': {'background': 'none'}}";
  private static final String NO_POSITIONS = "{'asset_tokens': {'encoder_positions': false}}";

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  private static float[] random(int length, long stream) {
    float[] values = new float[length];
    Philox.uniform(5, stream, 0, values);
    return values;
  }

  /** One image with objects in two of its quarters; the rest is background. */
  private static Conditioning conditioning(long source, long camera) {
    float[] boxes = {0, 0, 0.5f, 0.5f, 0.5f, 0.5f, 1, 1};
    return Conditioning.of(
        S,
        2,
        random(S * S * 3, source),
        boxes,
        random(2 * PoseVector.LENGTH, 2),
        random(PoseVector.LENGTH, camera));
  }

  private static Parameters parameters() {
    return Parameters.create(Device.cpu(), DType.F32, 1);
  }

  private static float[] tokens(Preset preset, Conditioning conditioning) {
    try (Scope _ = Scope.open()) {
      Tensor tokens = new NeuralAssets(parameters(), preset).tokens(conditioning);
      assertEquals(Shape.of(1, preset.assetTokens().tokens(2), C), tokens.shape());
      return tokens.toFloats();
    }
  }

  private static float[] background(float[] tokens) {
    return Arrays.copyOfRange(tokens, 2 * K * C, 3 * K * C);
  }

  private static float[] objects(float[] tokens) {
    return Arrays.copyOf(tokens, 2 * K * C);
  }

  @Test
  void withoutItsPoseTheBackgroundHasOnlyItsLooks() {
    Preset full = Variants.tiny("{'asset_tokens': {'background': 'full'}}");
    Conditioning one = conditioning(1, 3);
    Conditioning turned = conditioning(1, 4);
    assertArrayEquals(tokens(Preset.builtin("tiny"), one), tokens(full, one));
    assertFalse(Arrays.equals(tokens(full, one), tokens(full, turned)));
    Preset blind = Variants.tiny(NO_POSE);
    float[] seen = tokens(blind, one);
    assertArrayEquals(seen, tokens(blind, turned));
    assertFalse(Arrays.equals(background(seen), background(tokens(blind, conditioning(9, 3)))));
    // The objects are the same to the bit: their weights do not depend on what else there is.
    assertArrayEquals(objects(tokens(full, one)), objects(seen));
    assertFalse(Arrays.equals(background(tokens(full, one)), background(seen)));
  }

  @Test
  void withoutABackgroundItIsNotEvenSeen() {
    Preset none = Variants.tiny(NONE);
    Conditioning one = conditioning(1, 3);
    float[] tokens = tokens(none, one);
    assertEquals(2 * K * C, tokens.length);
    assertArrayEquals(objects(tokens(Preset.builtin("tiny"), one)), tokens, 1e-6f);
    Conditioning other = conditioning(1, 4);
    for (int row = 0; row < S / 2; row++) { // the upper right quarter
      Arrays.fill(other.source(), (row * S + S / 2) * 3, (row + 1) * S * 3, 0.7f);
    }
    assertArrayEquals(tokens, tokens(none, other));
    other.source()[0] += 0.5f;
    assertFalse(Arrays.equals(tokens, tokens(none, other)));
    try (Scope _ = Scope.open()) {
      NeuralAssets model = new NeuralAssets(parameters(), none);
      assertEquals(Shape.of(1, S, S, 3), model.prepare(one).pixels().shape());
      assertEquals(Shape.of(1, 2 * K, C), model.unconditionalTokens(2).shape());
      assertEquals(2, none.assetTokens().slots(2 * K));
      assertEquals(2, Preset.builtin("tiny").assetTokens().slots(3 * K));
    }
  }

  /** Which parameters there are, and that each that is trained takes a gradient. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | true | true",
        NO_POSE + " | false | true",
        NONE + " | false | true",
        NO_POSITIONS + " | true | false",
        "{'asset_tokens': {'corners': 8}} | true | true",
        "{'asset_tokens': {'corners': 3}} | true | true",
        "{'asset_tokens': {'roi_size': 1}} | true | true",
        "{'asset_tokens': {'roi_size': 3}} | true | true",
      })
  void gradientsReachWhatIsThere(String keys, boolean camera, boolean positions) {
    try (Scope _ = Scope.open()) {
      Preset preset = Variants.tiny(keys);
      Parameters p = parameters();
      NeuralAssets model = new NeuralAssets(p, preset);
      Set<String> without = new TreeSet<>();
      try (Tape tape = Tape.open()) {
        Tensor tokens = model.tokens(conditioning(1, 3));
        Tensor weights = tokens.like();
        weights.backend().normal(1, 1, weights);
        Tensor loss = mean(multiply(tokens, weights), 2);
        Gradients gradients = tape.backward(mean(mean(loss, 1), 0));
        for (Map.Entry<String, Tensor> entry : p.all().entrySet()) {
          if (!entry.getKey().startsWith("unet.") && gradients.of(entry.getValue()) == null) {
            without.add(entry.getKey());
          }
        }
      }
      assertEquals(camera, p.all().containsKey("background_mlp.0.weight"));
      String name = "vit.embeddings.position_embeddings";
      assertEquals(positions ? Set.of() : Set.of(name), without);
      assertEquals(positions, preset.trainable().trains(name));
      assertTrue(preset.trainable().trains("vit.embeddings.cls_token"));
    }
  }

  @Test
  void withoutPositionsTheEncoderDoesNotKnowWhereAPatchLies() {
    float[] left = {0, 0, 1, 0.5f};
    float[] right = {0, 0.5f, 1, 1};
    for (String keys : new String[] {"{}", NO_POSITIONS}) {
      Preset preset = Variants.tiny(keys);
      // The same column of patches four times; both boxes lie within it all.
      float[] source = new float[S * S * 3];
      float[] column = random(S * 4 * 3, 8);
      for (int row = 0; row < S; row++) {
        for (int at = 0; at < S; at += 4) {
          System.arraycopy(column, row * 12, source, (row * S + at) * 3, 12);
        }
      }
      float[] poses = new float[2 * PoseVector.LENGTH];
      float[] boxes = Arrays.copyOf(left, 8);
      System.arraycopy(right, 0, boxes, 4, 4);
      Conditioning two = Conditioning.of(S, 2, source, boxes, poses, new float[PoseVector.LENGTH]);
      float[] tokens = tokens(preset, two);
      float[] first = Arrays.copyOf(tokens, K * C);
      float[] second = Arrays.copyOfRange(tokens, K * C, 2 * K * C);
      double distance = 0;
      for (int i = 0; i < first.length; i++) {
        distance = Math.max(distance, Math.abs(first[i] - second[i]));
      }
      boolean same = keys.equals(NO_POSITIONS);
      assertTrue(same ? distance < 1e-5 : distance > 1e-3, keys + ": " + distance);
    }
  }

  @Test
  void unknownValuesAreRefusedInOneLine() {
    assertRefused(
        "{'asset_tokens': {'background': 'half'}}",
        "asset_tokens.background must be one of full, no_pose, none, not \"half\"");
    assertRefused(
        "{'asset_tokens': {'encoder_positions': 1}}",
        "asset_tokens.encoder_positions must be true or false, not 1");
    assertRefused(
        "{'asset_tokens': {'corners': 5}}", "asset_tokens.corners must be 3, 4 or 8, not 5");
  }

  private static void assertRefused(String keys, String told) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Variants.tiny(keys));
    assertEquals("preset mine: " + told, e.getMessage());
  }
}
