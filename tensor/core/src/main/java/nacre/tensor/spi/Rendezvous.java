package nacre.tensor.spi;

/**
 * The ranks of a run as they know each other before tensors are exchanged: processes that a
 * launcher started together, numbered from 0, which pass a few bytes. Every method is called by all
 * ranks in the same order.
 */
public interface Rendezvous {

  /** That of the only process. */
  Rendezvous ALONE =
      new Rendezvous() {
        @Override
        public int rank() {
          return 0;
        }

        @Override
        public int ranks() {
          return 1;
        }

        @Override
        public int localRank() {
          return 0;
        }

        @Override
        public int localRanks() {
          return 1;
        }

        @Override
        public byte[] fromFirst(byte[] bytes) {
          return bytes.clone();
        }

        @Override
        public byte[][] all(byte[] mine) {
          return new byte[][] {mine.clone()};
        }

        @Override
        public void barrier() {}
      };

  /** The number of this process. */
  int rank();

  /** How many processes there are. */
  int ranks();

  /** The number of this process among those of its host, from 0: which GPU of the host it takes. */
  int localRank();

  /** How many processes run on this host. */
  int localRanks();

  /**
   * The bytes that rank 0 passed, on every rank.
   *
   * @param bytes those of rank 0; of other ranks they are not read, and may be null
   */
  byte[] fromFirst(byte[] bytes);

  /** The bytes that every rank passed, in the order of ranks; lengths may differ. */
  byte[][] all(byte[] mine);

  /** Returns when all ranks have called it. */
  void barrier();
}
