package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.training.Objective;
import nacre.neuralassets.training.StepInputs;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The UNet that sees the source frame, and tokens of boxes: 3DIT for several objects. */
class SourceInputTest {
  static final String BOXES =
      "{'unet_input': 'source', 'unet': {'in_channels': 28}, 'asset_tokens': {'content': 'boxes'}}";
  private static final String SEEN = "{'unet_input': 'source', 'unet': {'in_channels': 28}}";
  private static final Preset PRESET = Variants.tiny(BOXES);
  private static final DataConfig DATA = DataConfig.of(PRESET.data().orElseThrow());
  private static final int B = 2;
  private static final int SLOTS = 3;
  private static final int C = 32;

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  private static Conditioning pairs() {
    return HeldOut.pairs(DATA, B, 16).conditioning();
  }

  private static NeuralAssets model(Preset preset) {
    return new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 1), preset);
  }

  private static Tensor normal(int seed, int... shape) {
    Tensor x = Tensor.empty(Device.cpu(), DType.F32, Shape.of(shape));
    x.backend().normal(seed, 9, x);
    return x;
  }

  @Test
  void thereIsNoEncoderAndAnObjectHasOneToken() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1);
      NeuralAssets model = new NeuralAssets(p, PRESET);
      for (String name : p.all().keySet()) {
        assertFalse(name.startsWith("vit.") || name.startsWith("appearance."), name);
      }
      assertEquals(Shape.of(32, 16), p.all().get("neck.weight").shape());
      ConditioningTensors in = model.prepare(pairs());
      assertNull(in.pixels());
      assertEquals(2, in.tensors().size());
      assertEquals(Shape.of(B, SLOTS + 1, C), model.tokens(in).shape());
      assertEquals(Shape.of(1, SLOTS + 1, C), model.unconditionalTokens(SLOTS).shape());
      Conditioning dropped = pairs();
      Arrays.fill(dropped.keep(), 0);
      float[] nothing = model.unconditionalTokens(SLOTS).toFloats();
      float[] tokens = model.tokens(dropped).toFloats();
      assertArrayEquals(nothing, Arrays.copyOf(tokens, nothing.length), 1e-6f);
    }
  }

  /** Each token is made of its own object's two poses, the last of the relative camera. */
  @Test
  void tokensAreTheirObjectsPosesInSourceAndTarget() {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = model(PRESET);
      float[] before = model.tokens(pairs()).toFloats();
      for (int slot = 0; slot <= SLOTS; slot++) {
        for (boolean source : new boolean[] {true, false}) {
          Conditioning moved = pairs();
          float[] poses =
              slot == SLOTS
                  ? moved.backgroundPoses()
                  : source ? moved.sourcePoses() : moved.poses();
          poses[slot == SLOTS ? 0 : slot * PoseVector.LENGTH] += 0.25f;
          float[] after = model.tokens(moved).toFloats();
          for (int i = 0; i < B * (SLOTS + 1); i++) {
            boolean same = Arrays.equals(before, i * C, (i + 1) * C, after, i * C, (i + 1) * C);
            assertEquals(i != slot, same, "token " + i + ", moved " + slot);
          }
        }
      }
      Conditioning recolored = pairs();
      Arrays.fill(recolored.source(), 0.3f);
      assertArrayEquals(before, model.tokens(recolored).toFloats());
    }
  }

  @Test
  void theUNetSeesTheSourceFrameUnlessItIsDropped() {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = model(PRESET);
      EncodedConditioning given = model.encode(pairs());
      assertEquals(Shape.of(B, 8, 8, 12), given.source().shape());
      // Without an autoencoder, samples are the pixels in blocks.
      Conditioning pairs = pairs();
      Tensor frames = Tensor.of(Device.cpu(), Shape.of(B, 16, 16, 3), pairs.source());
      assertArrayEquals(
          model.samples().toSamples(frames, null).toFloats(), given.source().toFloats());
      pairs.keepSource()[1] = 0;
      float[] half = model.encode(pairs).source().toFloats();
      assertArrayEquals(
          Arrays.copyOf(given.source().toFloats(), half.length / 2),
          Arrays.copyOf(half, half.length / 2));
      for (int i = half.length / 2; i < half.length; i++) {
        assertEquals(0, half[i], 0);
      }
      Tensor noisy = normal(1, B, 8, 8, 12);
      Tensor time = Tensor.of(Device.cpu(), Shape.of(B), new float[] {500, 500});
      float[] seen = model.denoise(noisy, time, given).toFloats();
      EncodedConditioning other =
          new EncodedConditioning(
              given.tokens(), Tensor.of(Device.cpu(), Shape.of(B, 8, 8, 12), half));
      float[] blind = model.denoise(noisy, time, other).toFloats();
      int each = seen.length / B;
      assertArrayEquals(Arrays.copyOf(seen, each), Arrays.copyOf(blind, each), 1e-5f);
      double distance = 0;
      for (int i = each; i < seen.length; i++) {
        distance = Math.max(distance, Math.abs(seen[i] - blind[i]));
      }
      assertTrue(distance > 1e-3, "" + distance);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> model.denoise(noisy, time, given.tokens()));
      assertTrue(e.getMessage().contains("samples are missing beside the tokens"), e.getMessage());
    }
  }

  /** The channels are those of the noisy samples, of the source, and the coordinates. */
  @Test
  void aSourceOfWeightsZeroIsNotSeen() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1);
      NeuralAssets model = new NeuralAssets(p, PRESET);
      Tensor weight = p.all().get("unet.conv_in.weight"); // [16, 3, 3, 28]
      float[] values = weight.toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] = i % 28 >= 12 && i % 28 < 24 ? 0 : values[i];
      }
      weight.copyFrom(values);
      EncodedConditioning given = model.encode(pairs());
      Tensor noisy = normal(1, B, 8, 8, 12);
      Tensor time = Tensor.of(Device.cpu(), Shape.of(B), new float[] {500, 500});
      assertArrayEquals(
          model.denoise(noisy, time, given).toFloats(),
          model
              .denoise(noisy, time, new EncodedConditioning(given.tokens(), normal(3, B, 8, 8, 12)))
              .toFloats(),
          1e-6f);
    }
  }

  @Test
  void gradientsReachEveryParameterThatIsTrained() {
    for (String keys : new String[] {BOXES, SEEN}) {
      try (Scope _ = Scope.open()) {
        Parameters p = Parameters.create(Device.cpu(), DType.F32, 1);
        NeuralAssets model = new NeuralAssets(p, Variants.tiny(keys));
        Objective objective = new Objective(model);
        Conditioning pairs = pairs();
        Set<String> without = new TreeSet<>();
        try (Tape tape = Tape.open()) {
          Tensor loss =
              objective.loss(
                  new StepInputs(
                      model.prepare(pairs),
                      normal(2, B, 16, 16, 3),
                      null,
                      Tensor.of(Device.cpu(), Shape.of(B, 16, 16, 3), pairs.source()),
                      Tensor.of(Device.cpu(), Shape.of(B, 1, 1, 1), pairs.keepSource()),
                      objective.timesteps(100, 700),
                      normal(4, B, 8, 8, 12),
                      null));
          Gradients gradients = tape.backward(loss);
          p.all()
              .forEach(
                  (name, tensor) -> {
                    if (gradients.of(tensor) == null) {
                      without.add(name);
                    }
                  });
          // Also the weights for the source's channels.
          float[] first = gradients.of(p.all().get("unet.conv_in.weight")).toFloats();
          assertTrue(first[12] != 0 && first[23] != 0);
        }
        assertEquals(Set.of(), without);
      }
    }
  }

  @Test
  void picturesFollowTheSourceWithAndWithoutGuidance() {
    for (double guidance : new double[] {1, 1.5}) {
      try (Scope _ = Scope.open()) {
        NeuralAssets model = model(PRESET);
        Sampler sampler = new Sampler(model, 2, guidance);
        Tensor noise = normal(5, B, 8, 8, 12);
        float[] drawn = sampler.sample(pairs(), noise).toFloats();
        Conditioning other = pairs();
        for (int i = 0; i < other.source().length / B; i++) {
          other.source()[i] = -other.source()[i];
        }
        float[] changed = sampler.sample(other, noise).toFloats();
        int each = drawn.length / B;
        assertFalse(Arrays.equals(drawn, 0, each, changed, 0, each));
        assertArrayEquals(
            Arrays.copyOfRange(drawn, each, 2 * each),
            Arrays.copyOfRange(changed, each, 2 * each),
            1e-5f);
        EncodedConditioning given = model.encode(pairs());
        assertArrayEquals(drawn, sampler.sample(given, noise, null, step -> {}).toFloats(), 1e-6f);
        assertThrows(
            IllegalArgumentException.class,
            () -> sampler.sample(given.tokens(), noise, step -> {}));
        Tensor back = sampler.invert(given, given.source(), step -> {});
        assertEquals(noise.shape(), back.shape());
      }
    }
  }

  @Test
  void posesOfTheSourceMustBeKnown() {
    try (Scope _ = Scope.open()) {
      Conditioning c = pairs();
      Conditioning without =
          Conditioning.of(16, SLOTS, c.source(), c.boxes(), c.poses(), c.backgroundPoses());
      NeuralAssets model = model(PRESET);
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> model.tokens(without));
      assertTrue(e.getMessage().startsWith("conditioning: sourcePoses are missing"));
      NeuralAssets plain = model(Preset.builtin("tiny"));
      assertArrayEquals(plain.tokens(c).toFloats(), plain.tokens(without).toFloats());
    }
  }

  /** Tokens that hold both poses beside the appearance. */
  @Test
  void appearanceMayHaveItsOwnPoseBesideIt() {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = model(Variants.tiny("{'asset_tokens': {'source_pose': true}}"));
      float[] before = model.tokens(pairs()).toFloats();
      Conditioning turned = pairs();
      turned.sourcePoses()[3] += 0.25f; // of the first object
      float[] after = model.tokens(turned).toFloats();
      int each = 4 * C;
      assertFalse(Arrays.equals(before, 0, each, after, 0, each));
      assertArrayEquals(
          Arrays.copyOfRange(before, each, before.length),
          Arrays.copyOfRange(after, each, after.length));
      assertEquals(Shape.of(1, 16, C), model.unconditionalTokens(SLOTS).shape());
    }
  }

  @Test
  void theShippedPresetIsThePapersModelWithBoth() {
    Preset preset = Preset.builtin("3dit-multi");
    Preset paper = Preset.builtin("paper");
    assertTrue(preset.seesSource());
    assertEquals(AssetTokens.Content.BOXES, preset.assetTokens().content());
    assertEquals(8, preset.unet().inChannels());
    assertEquals(paper.training(), preset.training());
    assertEquals(paper.scheduler(), preset.scheduler());
  }

  @Test
  void whatDoesNotFitIsRefusedInOneLine() {
    assertRefused(
        "{'unet_input': 'picture'}", "unet_input must be one of noise, source, not \"picture\"");
    assertRefused(
        "{'unet_input': 'source'}",
        "unet.in_channels does not fit the rest: 2 · unet.out_channels + 4 · coordinate_octaves, as"
            + " unet_input is \"source\", is wanted");
    assertRefused(
        "{'asset_tokens': {'content': 'boxes'}}",
        "asset_tokens.content does not fit the rest: \"unet_input\": \"source\" beside boxes, which"
            + " say nothing of looks, is wanted");
    assertRefused(
        "{'asset_tokens': {'content': 'shape'}}",
        "asset_tokens.content must be one of appearance, boxes, not \"shape\"");
    assertRefused(
        BOXES.replace("'boxes'", "'boxes', 'source_pose': true"),
        "asset_tokens.source_pose: leave it out, tokens of boxes hold that pose anyway");
    assertRefused(
        BOXES.replace("{'unet_input'", "{'image_encoder_from': 'x', 'unet_input'"),
        "image_encoder_from does not go with tokens of boxes (asset_tokens.content), which have no"
            + " image encoder: leave one of the two out");
  }

  private static void assertRefused(String keys, String told) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Variants.tiny(keys));
    assertEquals("preset mine: " + told, e.getMessage());
  }
}
