package nacre.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import nacre.cli.options.UserException;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.model.TrainingConfig.ParameterType;
import nacre.neuralassets.training.TrainingMemory;
import nacre.nn.AdamW;
import nacre.tensor.DType;
import nacre.tensor.DeviceMemoryException;

/**
 * What a run takes of a device's memory is said before, one that has no room is refused, and one
 * that finds none later is told what would help.
 */
record MemoryCheck(TrainingRun.Request request) {
  /** The rank that is named as an example. */
  private static final int RANK = 16;

  /**
   * Prints one line, before anything is taken.
   *
   * @throws UserException naming what would help, if more is needed than can be had
   */
  void run(TrainingMemory memory, PrintStream out) {
    out.println("memory  " + memory.describe());
    OptionalLong there = request.device().backend().allocator().availableBytes();
    if (there.isPresent() && there.getAsLong() < memory.total()) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "training needs %s of memory, and %s has %s left; %s",
              TrainingMemory.text(memory.total()),
              request.device(),
              TrainingMemory.text(Math.max(0, there.getAsLong())),
              advice()));
    }
  }

  /** The failure of a run for which the memory did not suffice after all. */
  UserException exhausted(DeviceMemoryException e) {
    return new UserException(e.getMessage() + "; " + advice(), e);
  }

  /** What the user can do; of a run that goes on, the preset is what it is. */
  private String advice() {
    String less = "less is needed with " + String.join(", ", remedies());
    return request.from() == null
        ? less
        : "a run that goes on keeps its settings: make room, or give another --device; begun anew, "
            + less;
  }

  /** What makes a run smaller, of what it does not do yet. */
  private List<String> remedies() {
    TrainingConfig training = request.preset().training();
    boolean draws = request.preset() instanceof Preset;
    List<String> remedies = new ArrayList<>();
    if (!training.gradientCheckpointing()) {
      remedies.add("training.gradient_checkpointing");
    }
    if (training.prepackFrozen()) {
      remedies.add("training.prepack_frozen false");
    }
    if (training.microBatchSize() > 1) {
      if (draws) {
        remedies.add("more training.gradient_accumulation_steps");
      }
      remedies.add("a smaller training.batch_size");
    }
    if (training.optimizerState() != AdamW.Moments.INT8) {
      remedies.add("training.optimizer_state int8");
    }
    if (training.parameters() != ParameterType.BFLOAT16) {
      remedies.add("training.parameters bfloat16");
    }
    if (training.emaDecay() > 0) {
      if (!training.emaOnHost() && request.device().home() != request.device()) {
        remedies.add("training.ema_on_host");
      }
      remedies.add("training.ema_decay 0");
    }
    if (request.preset() instanceof Preset preset
        && preset.base().isPresent()
        && preset.lora().isEmpty()) {
      remedies.add("--lora " + RANK);
    }
    if (request.compute() != DType.BF16) {
      remedies.add("--dtype bfloat16");
    }
    remedies.add("a smaller model");
    return remedies;
  }
}
