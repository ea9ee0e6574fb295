package nacre.cli;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.neuralassets.model.Trainable;
import nacre.neuralassets.training.Trainer;

/** The groups of a model's parameters, and at which rates they are trained. */
final class TrainedGroups {
  private TrainedGroups() {}

  /**
   * Says it in one line: {@code unet at 0.00005, new layers at 0.001; frozen: vae}. Of a group that
   * is trained in parts, how many numbers of how many.
   */
  static String describe(Trainer trainer) {
    Trainable trainable = trainer.preset().trainable();
    Map<Trainable.Group, long[]> counts = new EnumMap<>(Trainable.Group.class);
    trainer
        .parameters()
        .forEach(
            (name, tensor) -> {
              long[] count = counts.computeIfAbsent(trainable.groupOf(name), _ -> new long[2]);
              count[0] += trainable.trains(name) ? tensor.elements() : 0;
              count[1] += tensor.elements();
            });
    List<String> moving = new ArrayList<>();
    List<String> frozen = new ArrayList<>();
    counts.forEach(
        (group, count) -> {
          String name = group.name().toLowerCase(Locale.ROOT).replace('_', ' ');
          String rate =
              brief(trainer.preset().training().learningRate() * trainable.rateFactor(group));
          if (count[0] == 0) {
            frozen.add(name);
          } else if (count[0] == count[1]) {
            moving.add(String.format(Locale.ROOT, "%s at %s", name, rate));
          } else {
            moving.add(
                String.format(
                    Locale.ROOT, "%,d of %,d of %s at %s", count[0], count[1], name, rate));
          }
        });
    String still = frozen.isEmpty() ? "" : "; frozen: " + String.join(", ", frozen);
    return String.join(", ", moving) + still;
  }

  /** Three digits, without zeros behind them. */
  private static String brief(double rate) {
    return new BigDecimal(rate).round(new MathContext(3)).stripTrailingZeros().toPlainString();
  }
}
