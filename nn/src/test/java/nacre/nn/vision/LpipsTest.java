package nacre.nn.vision;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Arithmetic;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.Reduce;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** LPIPS against what PyTorch computed: tools/lab/reference/export_lpips.py. */
class LpipsTest {
  private static final Device CPU = Device.cpu();
  private static final Path CASES = Path.of("src/test/resources/lpips");

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static LpipsFiles files(LpipsNet net) {
    Path here = CASES.resolve(net.toString());
    return new LpipsFiles(net, here, Optional.of(here.resolve("heads.safetensors")));
  }

  private static StateDict expected(LpipsNet net) throws IOException {
    return StateDict.open(CASES.resolve(net.toString()), "expected");
  }

  private static Tensor read(StateDict dict, String name) throws IOException {
    Shape disk = dict.entries().get(name).shape();
    Shape shape =
        disk.rank() == 4 ? Shape.of(disk.dim(0), disk.dim(2), disk.dim(3), disk.dim(1)) : disk;
    Tensor tensor = Tensor.empty(CPU, DType.F32, shape);
    dict.entries().get(name).copyTo(tensor, Layout.ofParameter(shape));
    return tensor;
  }

  @ParameterizedTest
  @EnumSource
  void distancesAndGradientsArePyTorchs(LpipsNet net) throws IOException {
    try (Scope _ = Scope.open();
        StateDict dict = expected(net)) {
      Lpips lpips = files(net).load(CPU);
      Tensor first = read(dict, "first").track();
      Tensor second = read(dict, "second");
      float[] wanted = read(dict, "gradient").toFloats();
      try (Tape tape = Tape.open()) {
        Tensor distance = lpips.distance(first, second);
        assertArrayEquals(read(dict, "distance").toFloats(), distance.toFloats(), 1e-6f);
        Tensor other = lpips.distance(first, second, Lpips.Epsilon.TORCHMETRICS);
        assertArrayEquals(read(dict, "torchmetrics").toFloats(), other.toFloats(), 1e-6f);
        Tensor loss = Reduce.sum(Arithmetic.multiply(distance, read(dict, "cotangent")));
        float[] got = tape.backward(loss).of(first).toFloats();
        double error = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
          error += Math.pow(got[i] - wanted[i], 2);
          norm += Math.pow(wanted[i], 2);
        }
        assertTrue(Math.sqrt(error / norm) < 1e-5, Math.sqrt(error / norm) + " of " + norm);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void distancesInBfloat16AreNear(LpipsNet net) throws IOException {
    try (Scope _ = Scope.open();
        StateDict dict = expected(net)) {
      Lpips lpips = files(net).load(CPU);
      Tensor first = Cast.cast(read(dict, "first"), DType.BF16);
      Tensor second = Cast.cast(read(dict, "second"), DType.BF16);
      float[] wanted = read(dict, "distance").toFloats();
      float[] got = lpips.distance(first, second).toFloats();
      for (int i = 0; i < wanted.length; i++) {
        assertEquals(wanted[i], got[i], 0.02 * wanted[i]);
      }
    }
  }

  /** Weights that lie in bfloat16, the heads' too, beside the same weights in f32. */
  @ParameterizedTest
  @EnumSource
  void weightsInBfloat16AreNear(LpipsNet net) throws IOException {
    try (Scope _ = Scope.open();
        StateDict dict = expected(net)) {
      Parameters stored = Parameters.create(CPU, DType.BF16, 1);
      Lpips half = new Lpips(stored, net, _ -> 8);
      Map<String, Tensor> wide = new LinkedHashMap<>();
      stored.all().forEach((name, tensor) -> wide.put(name, Cast.cast(tensor, DType.F32)));
      Lpips full = new Lpips(Parameters.over(wide), net, _ -> 8);
      Tensor first = read(dict, "first");
      Tensor second = read(dict, "second");
      float[] wanted = full.distance(first, second).toFloats();
      float[] got =
          half.distance(Cast.cast(first, DType.BF16), Cast.cast(second, DType.BF16)).toFloats();
      for (int i = 0; i < wanted.length; i++) {
        assertEquals(wanted[i], got[i], 0.02 * wanted[i]);
      }
    }
  }

  /** No activation anywhere, where a length has no derivative. */
  @Test
  void gradientsOfDeadPixelsAreZero() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(CPU, DType.F32).frozen();
      Lpips lpips = new Lpips(p, LpipsNet.VGG, _ -> 2);
      p.all().values().forEach(t -> t.copyFrom(new float[(int) t.elements()]));
      Tensor first = Tensor.of(CPU, Shape.of(1, 16, 16, 3), new float[768]).track();
      Tensor second = Tensor.of(CPU, Shape.of(1, 16, 16, 3), new float[768]);
      try (Tape tape = Tape.open()) {
        Tensor loss = Reduce.sum(lpips.distance(first, second));
        assertEquals(0, loss.item());
        assertArrayEquals(new float[768], tape.backward(loss).of(first).toFloats());
      }
    }
  }

  /** The authors' heads fit trunks of the usual widths; their weights' sums are PyTorch's. */
  @ParameterizedTest
  @CsvSource({
    "VGG, 6.925992 8.858334 17.515006 51.521323 47.034854",
    "ALEX, 2.349532 16.143027 39.268439 27.197178 20.317177",
    "SQUEEZE, 5.690101 1.185279 16.326565 71.012624 37.370723 24.262872 17.590553"
  })
  void theAuthorsHeadsComeAlong(LpipsNet net, String sums) throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 5);
      new Lpips(p, net);
      Map<String, Tensor> trunk = p.at("features").all();
      Path file = folder.resolve("trunk.safetensors");
      new SafeTensorsWriter().addParameters(trunk).write(file);
      Lpips lpips = new LpipsFiles(net, file, Optional.empty()).load(CPU);
      double[] wanted = Stream.of(sums.split(" ")).mapToDouble(Double::parseDouble).toArray();
      double[] got = lpips.heads().stream().mapToDouble(head -> Reduce.sum(head).item()).toArray();
      assertArrayEquals(wanted, got, 1e-4);
    }
  }

  /** As {@code lpips.LPIPS(…).state_dict()} has it: slices, and each head twice. */
  @ParameterizedTest
  @EnumSource
  void wholeStatesOfLpipsBringTheirHeads(LpipsNet net) throws IOException {
    Path here = CASES.resolve(net.toString());
    try (Scope _ = Scope.open();
        StateDict trunk = StateDict.open(here, "model");
        StateDict heads = StateDict.open(here, "heads");
        StateDict dict = expected(net)) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      writer.add(
          "scaling_layer.shift", Tensor.of(CPU, Shape.of(1, 3, 1, 1), new float[3]), Layout.SAME);
      for (String name : trunk.entries().keySet()) {
        if (name.startsWith("features.")) {
          writer.add(name.replace("features.", "net.slice2."), disk(trunk, name), Layout.SAME);
        }
      }
      for (String name : heads.entries().keySet()) {
        writer.add(name, disk(heads, name), Layout.SAME);
        writer.add(name.replaceFirst("lin(\\d)", "lins.$1"), disk(heads, name), Layout.SAME);
      }
      Path whole = folder.resolve("whole.safetensors");
      writer.write(whole);
      Lpips lpips = new LpipsFiles(net, whole, Optional.empty()).load(CPU).prepack();
      Tensor distance = lpips.distance(read(dict, "first"), read(dict, "second"));
      assertArrayEquals(read(dict, "distance").toFloats(), distance.toFloats(), 1e-6f);
    }
  }

  private static Tensor disk(StateDict dict, String name) throws IOException {
    Tensor tensor = Tensor.empty(CPU, DType.F32, dict.entries().get(name).shape());
    dict.entries().get(name).copyTo(tensor, Layout.SAME);
    return tensor;
  }

  @Test
  void whatDoesNotFitIsRefusedInOneLine() {
    Path vgg = CASES.resolve("vgg");
    assertRefused(
        new LpipsFiles(LpipsNet.ALEX, vgg, Optional.empty()),
        "has no convolution features.3.weight; wanted is the AlexNet of torchvision or timm");
    assertRefused(
        new LpipsFiles(LpipsNet.VGG, vgg, Optional.empty()),
        "has other channels than the heads that come with Nacre, which are for the usual vgg;"
            + " name heads of its own");
    assertRefused(
        new LpipsFiles(LpipsNet.VGG, vgg, Optional.of(vgg.resolve("expected.safetensors"))),
        "does not fit the model: 5 missing: lin0.model.1.weight [1, 4, 1, 1]");
    assertRefused(
        new LpipsFiles(LpipsNet.VGG, vgg.resolve("none.safetensors"), Optional.empty()),
        "none.safetensors");
  }

  private static void assertRefused(LpipsFiles files, String why) {
    try (Scope _ = Scope.open()) {
      var e = assertThrows(WeightsException.class, () -> files.load(CPU));
      assertTrue(e.getMessage().contains(why), e.getMessage());
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  @Test
  void picturesThatRunOutOfPixelsAreRefused() throws IOException {
    try (Scope _ = Scope.open()) {
      Lpips lpips = files(LpipsNet.ALEX).load(CPU);
      Tensor enough = Tensor.of(CPU, Shape.of(1, 31, 31, 3), new float[31 * 31 * 3]);
      assertEquals(0, lpips.distance(enough, enough).item());
      Tensor few = Tensor.of(CPU, Shape.of(1, 31, 30, 3), new float[31 * 30 * 3]);
      var e = assertThrows(IllegalArgumentException.class, () -> lpips.distance(few, few));
      assertTrue(e.getMessage().contains("31 pixels a side that net alex wants"), e.getMessage());
    }
  }
}
