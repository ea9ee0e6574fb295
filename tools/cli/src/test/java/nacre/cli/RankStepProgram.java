package nacre.cli;

import static nacre.tensor.ops.Ops.meanSquaredError;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import nacre.distributed.World;
import nacre.nn.AdamW;
import nacre.nn.GradientBuckets;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.nn.ShardedAdamW;
import nacre.nn.Sharding;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.Unary;

/**
 * A rank that trains a small network with the others, a captured step at a time; arguments are the
 * device, what is divided, the type on the wire, and a folder where each leaves a file of what it
 * has.
 */
final class RankStepProgram {
  private static final int STEPS = 5;

  private final Device device;
  private final Backend backend;
  private final Collectives group;
  private final Sharding sharding;
  private final DType wire;
  private final Map<String, Tensor> trained;
  private final Linear first;
  private final Linear second;
  private final Tensor x;
  private final Tensor y;
  private GradientBuckets buckets;
  private ShardedAdamW sharded;
  private AdamW whole;

  private RankStepProgram(Device device, Collectives group, Sharding sharding, DType wire) {
    this.device = device;
    this.backend = device.backend();
    this.group = group;
    this.sharding = sharding;
    this.wire = wire;
    Parameters p = Parameters.create(device, DType.F32, 1);
    first = new Linear(p.at("first"), 24, 40);
    second = new Linear(p.at("second"), 40, 9);
    trained = p.trainable();
    x = Tensor.zeros(device, DType.F32, Shape.of(4, 24));
    y = Tensor.zeros(device, DType.F32, Shape.of(4, 9));
    AdamW.Config config = AdamW.Config.defaults().withMaxNorm(0.5);
    if (sharding == Sharding.NONE) {
      whole = new AdamW(trained, config, List.of());
      whole.setLearningRate(0.01);
    } else {
      sharded = new ShardedAdamW(trained, config, List.of(), group, sharding, wire);
      sharded.setLearningRate(0.01);
    }
    if (sharding != Sharding.GRADIENTS) {
      buckets = new GradientBuckets(trained, group, wire, 1024);
    }
  }

  public static void main(String[] arguments) throws IOException {
    World world = World.join(Settings.ofProcess()).orElseThrow();
    Device device = Device.of(arguments[0]);
    Collectives group = world.collectives(device);
    try (Scope _ = Scope.open()) {
      Sharding sharding = Sharding.valueOf(arguments[1]);
      DType wire = DType.valueOf(arguments[2]);
      List<String> lines = new RankStepProgram(device, group, sharding, wire).run();
      Files.write(Path.of(arguments[3], "rank-" + group.rank()), lines);
    }
    world.barrier();
    if (!device.isHost()) {
      group.close();
    }
    world.close();
  }

  private List<String> run() {
    List<String> lines = new ArrayList<>();
    long before = group.bytesSent();
    try (CapturedStep step =
        CapturedStep.of(
            device,
            () -> {
              step();
              return null;
            })) {
      for (int i = 0; i < STEPS; i++) {
        backend.normal(50 + group.rank(), 2 * i, x);
        backend.normal(50 + group.rank(), 2 * i + 1, y);
        step.run();
      }
      lines.add("sent " + (group.bytesSent() - before));
      lines.add("parameters " + numbers(trained));
      lines.add("state " + numbers(sharded == null ? whole.state() : sharded.state()));
    }
    lines.add("library " + group.describe());
    lines.add("graph " + backend.explain().stream().anyMatch(line -> line.contains("graph of ")));
    return lines;
  }

  private void step() {
    try (Tape tape = Tape.open()) {
      Tensor loss = meanSquaredError(second.forward(first.forward(x, Unary.SILU)), y);
      Map<Tensor, Tensor> one = Map.of(loss, Tensor.full(device, DType.F32, loss.shape(), 1));
      switch (sharding) {
        case NONE -> {
          exchange(tape, one);
          whole.step(buckets::of);
        }
        case OPTIMIZER -> {
          exchange(tape, one);
          sharded.step(buckets::of);
        }
        case GRADIENTS -> {
          tape.backward(one, Map.of(), sharded::ready);
          sharded.step(_ -> null);
        }
      }
    }
  }

  private void exchange(Tape tape, Map<Tensor, Tensor> one) {
    buckets.begin();
    tape.backward(one, Map.of(), buckets::add);
    buckets.finish();
  }

  private static String numbers(Map<String, Tensor> tensors) {
    StringJoiner numbers = new StringJoiner(" ");
    for (String name : tensors.keySet().stream().sorted().toList()) {
      for (float value : tensors.get(name).toFloats()) {
        numbers.add(Float.toString(value));
      }
    }
    return numbers.toString();
  }
}
