package nacre.tensor.cpu;

import nacre.tensor.Philox;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;

/** Random numbers by {@link Philox}, in pieces that any thread can make. */
final class RandomNumbers {
  /** Numbers made at a time; four to a Philox block. */
  private static final int PIECE = 4096;

  private final Team team;

  RandomNumbers(Team team) {
    this.team = team;
  }

  private interface Generator {
    void fill(long seed, long stream, long first, float[] out);
  }

  void uniform(long seed, long stream, Tensor y) {
    fill(Philox::uniform, seed, stream, y);
  }

  void normal(long seed, long stream, Tensor y) {
    fill(Philox::normal, seed, stream, y);
  }

  void dropout(Tensor x, double p, long seed, long stream, Tensor y) {
    float scale = (float) (1 / (1 - p));
    float limit = (float) p;
    long pieces = (y.elements() + PIECE - 1) / PIECE;
    team.split(
        pieces,
        Worth.functions(y.elements()),
        (from, to) -> {
          for (long k = from; k < to; k++) {
            int n = (int) Math.min(PIECE, y.elements() - k * PIECE);
            float[] u = new float[n];
            float[] t = Scratch.mine().floats(0, PIECE);
            Philox.uniform(seed, stream, k * PIECE, u);
            Tiles.load(x.address(), x.dtype(), k * PIECE, t, 0, n);
            for (int i = 0; i < n; i++) {
              t[i] = u[i] > limit ? t[i] * scale : 0;
            }
            Tiles.store(t, 0, y.address(), y.dtype(), k * PIECE, n);
          }
        });
  }

  private void fill(Generator g, long seed, long stream, Tensor y) {
    long pieces = (y.elements() + PIECE - 1) / PIECE;
    team.split(
        pieces,
        Worth.functions(y.elements()),
        (from, to) -> {
          for (long k = from; k < to; k++) {
            int n = (int) Math.min(PIECE, y.elements() - k * PIECE);
            float[] t = new float[n];
            g.fill(seed, stream, k * PIECE, t);
            Tiles.store(t, 0, y.address(), y.dtype(), k * PIECE, n);
          }
        });
  }
}
