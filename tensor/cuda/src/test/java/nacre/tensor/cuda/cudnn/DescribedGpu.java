package nacre.tensor.cuda.cudnn;

import java.util.Locale;

/** GPUs that cuDNN is told of: one for each compute capability that Nacre runs on. */
enum DescribedGpu {
  A100("NVIDIA A100-SXM4-80GB", 800, 108, 166912, 2048, 32, 1410000, 1593000, 41943040, 80L << 30),
  RTX_3090(
      "NVIDIA GeForce RTX 3090", 860, 82, 101376, 1536, 16, 1695000, 9751000, 6291456, 24L << 30),
  RTX_4090(
      "NVIDIA GeForce RTX 4090",
      890,
      128,
      101376,
      1536,
      24,
      2520000,
      10501000,
      75497472,
      24L << 30),
  H100(
      "NVIDIA H100 80GB HBM3",
      900,
      132,
      232448,
      2048,
      32,
      1980000,
      2619000,
      52428800,
      85029158912L),
  B200("NVIDIA B200", 1000, 148, 232448, 2048, 32, 1965000, 3996000, 132644864, 180L << 30),
  RTX_5090(
      "NVIDIA GeForce RTX 5090",
      1200,
      170,
      101376,
      1536,
      24,
      2407000,
      14001000,
      100663296,
      32L << 30);

  private final String title;
  private final int capability;
  private final int multiprocessors;
  private final int sharedMemory;
  private final int threads;
  private final int blocks;
  private final int clock;
  private final int memoryClock;
  private final int cache;
  private final long memory;

  /**
   * @param capability its compute capability, in hundredths
   * @param sharedMemory bytes of shared memory that a block can ask for
   * @param threads at most on a multiprocessor, as are blocks
   * @param clock in kHz, as is the memory's
   * @param cache bytes of the L2 cache
   */
  DescribedGpu(
      String title,
      int capability,
      int multiprocessors,
      int sharedMemory,
      int threads,
      int blocks,
      int clock,
      int memoryClock,
      int cache,
      long memory) {
    this.title = title;
    this.capability = capability;
    this.multiprocessors = multiprocessors;
    this.sharedMemory = sharedMemory;
    this.threads = threads;
    this.blocks = blocks;
    this.clock = clock;
    this.memoryClock = memoryClock;
    this.cache = cache;
    this.memory = memory;
  }

  /** Its properties, under the names that cuDNN gives them. */
  String json() {
    return """
    {"cudaDeviceId": 0, "deviceVer": %d, "driverVer": 13000,
     "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
     "regsPerBlock": 65536, "multiProcessorCount": %d, "warpSize": 32,
     "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": %d,
     "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": %d,
     "maxThreadsPerBlock": 1024, "maxThreadsPerSM": %d, "pciDeviceId": 0, "isTccDriver": 0,
     "supportCoopLaunch": 1, "smClockRateKHz": %d, "memClockRateKHz": %d,
     "l2CacheSize": %d, "deviceName": "%s", "totalGlobalMem": %d}
    """
        .formatted(
            capability,
            multiprocessors,
            sharedMemory,
            blocks,
            threads,
            clock,
            memoryClock,
            cache,
            title,
            memory);
  }

  /** Its name and compute capability, as the heading of its plans. */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%s (%d.%d)", title, capability / 100, capability % 100 / 10);
  }
}
