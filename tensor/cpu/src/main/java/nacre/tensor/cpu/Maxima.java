package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;

/** Largest elements over axes. */
final class Maxima {
  private final Team team;

  Maxima(Team team) {
    this.team = team;
  }

  /** y = the largest over the axes along which y is shorter than x; x is not empty. */
  void reduce(Tensor x, Tensor y) {
    Round round = Round.of(x, y);
    if (!round.more()) {
      reduce(x, round, y);
      return;
    }
    try (Scope _ = Scope.open()) {
      Tensor between = Tensor.empty(x.device(), DType.F32, round.left());
      reduce(x, round, between);
      reduce(between, y);
    }
  }

  private void reduce(Tensor x, Round round, Tensor y) {
    if (round.inner() == 1) {
      rows(x, round.outer(), round.middle(), y);
    } else {
      columns(x, round, y);
    }
  }

  private void rows(Tensor x, long outer, long middle, Tensor y) {
    team.split(
        outer,
        Worth.arithmetic(x.elements()),
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, Scratch.TILE);
          float[] largest = new float[1];
          for (long row = from; row < to; row++) {
            largest[0] = Float.NEGATIVE_INFINITY;
            for (long i = 0; i < middle; i += Scratch.TILE) {
              int n = (int) Math.min(Scratch.TILE, middle - i);
              Tiles.load(x.address(), x.dtype(), row * middle + i, t, 0, n);
              largest[0] = Math.max(largest[0], VectorMath.max(t, 0, n));
            }
            Tiles.store(largest, 0, y.address(), y.dtype(), row, 1);
          }
        });
  }

  /** Tiles of columns, each from top to bottom, by as many rows at a time as a tile holds. */
  private void columns(Tensor x, Round round, Tensor y) {
    long inner = round.inner();
    long tiles = (inner + Scratch.TILE - 1) / Scratch.TILE;
    int together = (int) Math.max(1, Scratch.TILE / inner);
    team.split(
        round.outer() * tiles,
        Worth.arithmetic(x.elements()),
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, Scratch.TILE);
          float[] largest = Scratch.mine().floats(1, Scratch.TILE);
          for (long k = from; k < to; k++) {
            long column = k % tiles * Scratch.TILE;
            int n = (int) Math.min(Scratch.TILE, inner - column);
            long first = k / tiles * round.middle();
            Arrays.fill(largest, 0, n, Float.NEGATIVE_INFINITY);
            for (long i = 0; i < round.middle(); i += together) {
              int rows = (int) Math.min(together, round.middle() - i);
              Tiles.load(x.address(), x.dtype(), (first + i) * inner + column, t, 0, rows * n);
              for (int r = 0; r < rows; r++) {
                for (int c = 0; c < n; c++) {
                  largest[c] = Math.max(largest[c], t[r * n + c]);
                }
              }
            }
            Tiles.store(largest, 0, y.address(), y.dtype(), k / tiles * inner + column, n);
          }
        });
  }
}
