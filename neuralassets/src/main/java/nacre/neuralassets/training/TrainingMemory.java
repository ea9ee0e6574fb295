package nacre.neuralassets.training;

import java.util.Collection;
import java.util.Locale;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.PoseVector;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.DryRun;
import nacre.tensor.Tensor;

/**
 * The memory that training takes, in bytes, found by going through a step without computing it. Not
 * counted is what a device borrows for single operations, and the rest of the program.
 *
 * @param weights of the whole model, frozen ones included, and what of them is prepacked
 * @param gradients of the trained weights
 * @param moments of the optimizer
 * @param averages of the weights; 0 where {@code ema_decay} is 0 or they are held on the host
 * @param activations and inputs: what a step takes beside the others when it takes most
 */
public record TrainingMemory(
    long weights, long gradients, long moments, long averages, long activations) {

  /**
   * What a run of a preset takes.
   *
   * @param slots objects of a pair
   */
  public static TrainingMemory of(Preset preset, Device device, DType compute, int slots) {
    return of(preset, device, compute, slots, 1);
  }

  /**
   * What a run of a preset takes of each rank's memory.
   *
   * @param slots objects of a pair
   * @param ranks that divide a batch
   */
  public static TrainingMemory of(
      Preset preset, Device device, DType compute, int slots, int ranks) {
    LoneRank first = ranks == 1 ? null : new LoneRank(ranks);
    try (Trainer trainer = new Trainer(preset, DryRun.of(device), compute, 0, first)) {
      return of(trainer, blank(preset, slots, preset.training().batchSize() / ranks));
    }
  }

  /**
   * What the training of a model takes.
   *
   * @param dry the model, on a device of {@link DryRun}
   * @param batch of the size of all its batches
   */
  public static <B> TrainingMemory of(TrainedModel<B> dry, B batch) {
    for (int step = 0; step < 2; step++) { // sums of gradients last from the first
      dry.begin(batch, 0);
    }
    Collection<Tensor> all = dry.parameters().values();
    long weights = bytes(all);
    long packed = dry.preset().training().prepackFrozen() ? packed(dry) : 0;
    long gradients = dry.gradientBytes();
    long moments = dry.optimizer().stateBytes();
    Device device = all.iterator().next().device();
    long averages =
        dry.averagedParameters().values().stream()
            .filter(t -> t.device() == device && !all.contains(t))
            .mapToLong(Tensor::bytes)
            .sum();
    long peak = device.backend().allocator().peakBytes();
    long activations = peak - weights - gradients - moments - averages;
    return new TrainingMemory(weights + packed, gradients, moments, averages, activations);
  }

  /** Prepacked weights take as much again where backward, too, has a layout of its own. */
  private static long packed(TrainedModel<?> dry) {
    return dry.parameters().entrySet().stream()
        .filter(e -> Parameters.isFrozenConvolution(e.getValue()))
        .filter(e -> !e.getKey().startsWith("vae."))
        .mapToLong(e -> e.getValue().bytes())
        .sum();
  }

  private static PairBatch blank(Preset preset, int slots, int count) {
    int size = preset.imageSize();
    int frames = count * size * size * 3;
    return new PairBatch(
        Conditioning.of(
            size,
            slots,
            new float[frames],
            new float[count * slots * 4],
            new float[count * slots * PoseVector.LENGTH],
            new float[count * slots * PoseVector.LENGTH],
            new float[count * PoseVector.LENGTH]),
        new float[frames],
        new float[count * slots * 4],
        new int[count],
        new float[count][]);
  }

  private static long bytes(Collection<Tensor> tensors) {
    return tensors.stream().mapToLong(Tensor::bytes).sum();
  }

  /** All together. */
  public long total() {
    return weights + gradients + moments + averages + activations;
  }

  /** In one line. */
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s: weights %s, gradients %s, moments %s, averages %s, activations %s",
        text(total()),
        text(weights),
        text(gradients),
        text(moments),
        text(averages),
        text(activations));
  }

  /** Bytes in units that people read, of 1024 each. */
  public static String text(long bytes) {
    return bytes < 1L << 30
        ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20))
        : String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1 << 30));
  }
}
