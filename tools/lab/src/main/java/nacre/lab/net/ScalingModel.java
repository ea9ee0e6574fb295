package nacre.lab.net;

import nacre.nn.Sharding;

/**
 * What a step of data-parallel training takes, by bytes, links and how much of the exchange goes on
 * beside backward. Times are in seconds, sizes in bytes.
 *
 * <p>Buckets of gradients become ready evenly over backward, which is two thirds of the
 * computation, and are exchanged one after the other. An exchange takes what NCCL's bus bandwidth
 * says, and the latencies of its shorter algorithm, ring or tree. What is left when backward is
 * over is waited for, and so is the gathering of updated parameters.
 *
 * @param cluster the GPUs and their links
 * @param gpus how many; a multiple of eight are on hosts of eight
 * @param images a step and GPU
 * @param wire bytes of an element of a gradient
 * @param sharding what of the optimizer is divided
 */
record ScalingModel(Cluster cluster, int gpus, int images, int wire, Sharding sharding) {
  /** Parameters of Stable Diffusion 2.1's UNet, all trained and held in f32. */
  static final long PARAMETERS = 865_910_724;

  /** What AdamW reads and writes of a parameter: itself, its gradient and two moments. */
  private static final int UPDATED_BYTES = 28;

  private static final int GPUS_OF_A_HOST = 8;
  private static final double BACKWARD = 2.0 / 3;

  /** One hop of NCCL's ring or tree, by NVLink and by a network, as its tuning has them. */
  private static final double RING_HOP = 3.4e-6;

  private static final double TREE_HOP = 4e-6;
  private static final double NET_HOP = 14e-6;

  /** Bytes of a bucket, as training has them. */
  private static final double BUCKET = 25 << 20;

  private static final double SCATTERED_BUCKET = 64 << 20;

  /**
   * GPUs and what is between them.
   *
   * @param image what forward and backward of one image take
   * @param memory bytes per second of a GPU's memory
   * @param nvlink bytes per second of NCCL's sums within a host
   * @param network the same between hosts
   */
  record Cluster(String name, double image, double memory, double nvlink, double network) {}

  private int hosts() {
    return Math.max(gpus / GPUS_OF_A_HOST, 1);
  }

  private double bandwidth() {
    return hosts() == 1 ? cluster.nvlink : cluster.network;
  }

  /** Computation of forward and backward. */
  double compute() {
    return images * cluster.image;
  }

  /** The optimizer's update of this GPU's part. */
  double update() {
    long part = sharding == Sharding.NONE ? PARAMETERS : PARAMETERS / gpus;
    return part * (double) UPDATED_BYTES / cluster.memory;
  }

  /** What each GPU sends of gradients in a step. */
  double gradientBytes() {
    double once = (gpus - 1.0) / gpus * PARAMETERS * wire;
    return sharding == Sharding.GRADIENTS ? once : 2 * once;
  }

  /** What each GPU sends of updated parameters. */
  double parameterBytes() {
    return sharding == Sharding.NONE ? 0 : (gpus - 1.0) / gpus * PARAMETERS * Float.BYTES;
  }

  /** Latency of a sum: twice around the ring, or up and down the tree, whichever is shorter. */
  double latency() {
    int hosts = hosts();
    double ring = 2.0 * (gpus - hosts) * RING_HOP + (hosts > 1 ? 2.0 * hosts * NET_HOP : 0);
    double levels = hosts > 1 ? Math.ceil(Math.log(hosts) / Math.log(2)) : 0;
    double tree = 2 * ((GPUS_OF_A_HOST - 1) * TREE_HOP + levels * NET_HOP);
    return Math.min(ring, tree);
  }

  private int buckets() {
    double size = sharding == Sharding.GRADIENTS ? SCATTERED_BUCKET : BUCKET;
    return (int) Math.ceil(PARAMETERS * (double) wire / size);
  }

  /** The exchange of gradients by itself. */
  double exchange() {
    return gradientBytes() / bandwidth() + buckets() * latency();
  }

  /** What of it is not hidden behind backward. */
  double exposed() {
    int buckets = buckets();
    double backward = BACKWARD * compute();
    double each = exchange() / buckets;
    double free = 0;
    for (int i = 1; i <= buckets; i++) {
      free = Math.max(free, backward * i / buckets) + each;
    }
    return free - backward;
  }

  /** A whole step. */
  double step() {
    double gather = parameterBytes() == 0 ? 0 : parameterBytes() / bandwidth() + latency();
    return compute() + exposed() + update() + gather;
  }

  /** Images per second and GPU, as part of those that one GPU alone makes. */
  double efficiency() {
    return alone() / step();
  }

  /** The same if the exchange began when backward is over. */
  double efficiencyIfNothingWereHidden() {
    return alone() / (step() - exposed() + exchange());
  }

  private double alone() {
    ScalingModel alone = new ScalingModel(cluster, 1, images, wire, Sharding.NONE);
    return alone.compute() + alone.update();
  }
}
