package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import nacre.cli.output.ResidentMemory;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.Test;

/** A run may last for days: no step leaks memory. */
class LongRunIT {
  private static final int STEPS = 2000;

  /** By then Java has compiled what is hot, and every primitive is cached. */
  private static final int SETTLED = 600;

  /** What the process may still grow by: a little compiled code. */
  private static final long SLACK = 24 << 20;

  @Test
  void twoThousandStepsLeaveMemoryAsItWas() throws IOException {
    Preset preset = Preset.builtin("tiny");
    DataConfig data = DataConfig.of(preset.data().orElseThrow());
    var source = new RenderedClips(data, HeldOut.trainingScenes(0), preset.imageSize());
    ClipPool clips = new ClipPool(source, data, preset.imageSize());
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    PairSampler pairs = new PairSampler(clips, data, diffusion, 0, preset.imageSize());
    try (Trainer trainer = new Trainer(preset, Device.cpu(), 0)) {
      trainer.step(pairs.batch(0, 4), 1e-3); // makes room for what all steps read
      long tensors = Memory.liveTensors();
      long bytes = Memory.liveBytes();
      long prepacked = 0;
      for (int step = 1; step < STEPS; step++) {
        trainer.step(pairs.batch(step, 4), 1e-3);
        assertEquals(tensors, Memory.liveTensors());
        assertEquals(bytes, Memory.liveBytes());
        if (step == SETTLED) {
          prepacked = outsideOfTheHeap();
        }
      }
      long grown = outsideOfTheHeap() - prepacked;
      assertTrue(grown < SLACK, "the process grew by %,d bytes".formatted(grown));
    }
    assertEquals(0, Memory.liveTensors());
  }

  /** Resident bytes less those of the Java heap; 0 where the system does not tell. */
  private static long outsideOfTheHeap() {
    System.gc();
    return ResidentMemory.bytes().stream().map(b -> b - Runtime.getRuntime().totalMemory()).sum();
  }
}
