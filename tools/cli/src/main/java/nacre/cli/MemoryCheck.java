package nacre.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import nacre.cli.options.UserException;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.training.TrainingMemory;
import nacre.nn.AdamW;
import nacre.tensor.DType;
import nacre.tensor.Device;

/** Says what a run takes of a device's memory, and refuses one that it has no room for. */
final class MemoryCheck {
  private MemoryCheck() {}

  /**
   * Prints one line, before anything is taken.
   *
   * @param slots objects of a pair
   * @throws UserException naming what would help, if more is needed than can be had
   */
  static void run(Preset preset, Device device, DType compute, int slots, PrintStream out) {
    TrainingMemory memory = TrainingMemory.of(preset, device, compute, slots);
    out.println("memory  " + memory.describe());
    OptionalLong there = device.backend().allocator().availableBytes();
    if (there.isPresent() && there.getAsLong() < memory.total()) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "training needs %s of memory, and %s has %s left; less is needed with %s",
              TrainingMemory.text(memory.total()),
              device,
              TrainingMemory.text(Math.max(0, there.getAsLong())),
              String.join(", ", remedies(preset.training(), compute))));
    }
  }

  /** What makes a run smaller, of what it does not do yet. */
  private static List<String> remedies(TrainingConfig training, DType compute) {
    List<String> remedies = new ArrayList<>();
    if (!training.gradientCheckpointing()) {
      remedies.add("training.gradient_checkpointing");
    }
    if (training.microBatchSize() > 1) {
      remedies.add("more training.gradient_accumulation_steps");
      remedies.add("a smaller training.batch_size");
    }
    if (training.optimizerState() != AdamW.Moments.INT8) {
      remedies.add("training.optimizer_state int8");
    }
    if (training.emaDecay() > 0) {
      remedies.add("training.ema_decay 0");
    }
    if (compute != DType.BF16) {
      remedies.add("--dtype bfloat16");
    }
    remedies.add("a smaller model");
    return remedies;
  }
}
