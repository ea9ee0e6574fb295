package nacre.lab.net;

import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import nacre.lab.net.ScalingModel.Cluster;
import nacre.nn.Sharding;

/** The tables of {@link ScalingModel} in {@code docs/distributed.md}; prints them. */
public final class ScalingTables {
  /** 1,100 images a second on eight A100, UNet alone, 256 by 256 (mosaicml/diffusion's README). */
  private static final double A100_IMAGE = 8 / 1100.0;

  private static final double A100_MEMORY = 2.039e12;
  private static final double H100_MEMORY = 3.35e12;

  /** NCCL's bus bandwidths are those that its developers name in their issues. */
  private static final List<Cluster> CLUSTERS =
      List.of(
          new Cluster("A100, 8 × HDR", A100_IMAGE, A100_MEMORY, 230e9, 192e9),
          new Cluster("A100, 1 × HDR", A100_IMAGE, A100_MEMORY, 230e9, 24e9),
          new Cluster("A100, 100 Gbit/s", A100_IMAGE, A100_MEMORY, 230e9, 12.2e9),
          new Cluster("H100, 8 × NDR", A100_IMAGE / 2, H100_MEMORY, 476e9, 376e9));

  private ScalingTables() {}

  /** Prints the tables. */
  public static void main(String[] arguments) {
    System.out.println(scaling() + "\n" + published());
  }

  /** What the model predicts for 8, 64 and 256 GPUs. */
  static String scaling() {
    StringBuilder table = new StringBuilder();
    table.append(
        "| GPUs and links | images a GPU | on the wire | exchange, 8 / 64 / 256 GPUs, ms | not"
            + " hidden, ms | efficiency | with ZeRO-1 | with ZeRO-2 |\n"
            + "| --- | --: | --- | --: | --: | --: | --: | --: |\n");
    for (Cluster cluster : CLUSTERS) {
      for (int images : new int[] {6, 32}) {
        for (int wire : new int[] {4, 2}) {
          StringJoiner exchange = new StringJoiner(" / ");
          StringJoiner exposed = new StringJoiner(" / ");
          StringJoiner[] efficiency = new StringJoiner[3];
          for (Sharding sharding : Sharding.values()) {
            efficiency[sharding.ordinal()] = new StringJoiner(" / ");
            for (int gpus : new int[] {8, 64, 256}) {
              ScalingModel model = new ScalingModel(cluster, gpus, images, wire, sharding);
              efficiency[sharding.ordinal()].add(number("%.2f", model.efficiency()));
              if (sharding == Sharding.NONE) {
                exchange.add(number("%.0f", 1000 * model.exchange()));
                exposed.add(number("%.0f", 1000 * model.exposed()));
              }
            }
          }
          table.append(
              String.format(
                  Locale.ROOT,
                  "| %s | %d | %s | %s | %s | %s | %s | %s |%n",
                  cluster.name(),
                  images,
                  wire == 4 ? "f32" : "bf16",
                  exchange,
                  exposed,
                  efficiency[0],
                  efficiency[1],
                  efficiency[2]));
        }
      }
    }
    return table.toString();
  }

  /** The model beside what mosaicml/diffusion publishes, of 2,048 images a step. */
  static String published() {
    int[] gpus = {16, 32, 64, 128};
    int[] images = {2180, 4080, 8530, 11600};
    StringBuilder table = new StringBuilder();
    table.append(
        "| A100s | images a GPU | published efficiency | the model's | if nothing were hidden |\n"
            + "| --: | --: | --: | --: | --: |\n");
    for (int i = 0; i < gpus.length; i++) {
      ScalingModel model =
          new ScalingModel(CLUSTERS.getFirst(), gpus[i], 2048 / gpus[i], 4, Sharding.NONE);
      double published = images[i] / (gpus[i] / A100_IMAGE);
      table.append(
          String.format(
              Locale.ROOT,
              "| %d | %d | %.2f | %.2f | %.2f |%n",
              gpus[i],
              2048 / gpus[i],
              published,
              model.efficiency(),
              model.efficiencyIfNothingWereHidden()));
    }
    return table.toString();
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
