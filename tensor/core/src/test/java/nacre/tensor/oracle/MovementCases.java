package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import nacre.tensor.DType;

/** What moves elements, for every type, to the bit. */
final class MovementCases {
  private static final int[][] PERMUTATIONS = {
    {0},
    {1, 0},
    {0, 1},
    {0, 2, 1},
    {1, 0, 2},
    {2, 1, 0},
    {1, 2, 0},
    {2, 0, 1},
    {0, 2, 1, 3},
    {0, 3, 1, 2},
    {0, 2, 3, 1},
    {3, 2, 1, 0},
    {0, 1, 3, 2},
    {0, 1, 3, 2, 4, 5},
    {0, 3, 1, 4, 2, 5},
  };

  private MovementCases() {}

  static void addTo(List<OracleCase> cases) {
    Random random = new Random(17);
    for (DType dtype : DType.values()) {
      Values values = Values.integers(0, 100);
      for (int[] axes : PERMUTATIONS) {
        permute(cases, dtype, values, axes, dims(random, axes.length, 1, 8));
      }
      permute(cases, dtype, values, new int[] {1, 0}, 65, 130);
      permute(cases, dtype, values, new int[] {0, 2, 1, 3}, 2, 17, 5, 64);
      permute(cases, dtype, values, new int[] {0, 2, 3, 1}, 33, 67, 3, 3);
      permute(cases, dtype, values, new int[] {0, 3, 1, 2}, 33, 3, 3, 67);
      permute(cases, dtype, values, new int[] {3, 1, 0, 2}, 5, 1, 34, 65);
      permute(cases, dtype, values, new int[] {2, 0, 4, 1, 3}, 3, 4, 33, 2, 35);
      permute(cases, dtype, values, new int[] {1, 0}, 0, 3);
      permute(cases, dtype, values, new int[] {1, 0, 2}, 1, 1, 1);
      for (int rank = 1; rank <= 5; rank++) {
        box(cases, dtype, random, dims(random, rank, 1, 7));
        box(cases, dtype, random, dims(random, rank, 3, 9));
      }
    }
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (DType indices : new DType[] {DType.I32, DType.I64}) {
        gather(cases, dtype, indices, 11, 7, 5);
        gather(cases, dtype, indices, 3, 33, 2, 9);
        gather(cases, dtype, indices, 1, 1, 4);
        gather(cases, dtype, indices, 50, 64, 2, 3, 5);
        gather(cases, dtype, indices, 9, 3);
      }
    }
  }

  private static void permute(
      List<OracleCase> cases, DType dtype, Values values, int[] axes, int... dims) {
    int[] out = Arrays.stream(axes).map(a -> dims[a]).toArray();
    cases.add(
        OracleCase.of("permute", dtype, Arrays.toString(dims), "by", Arrays.toString(axes))
            .in(dtype, values, dims)
            .out(dtype, out)
            .call((backend, t) -> backend.permute(t[0], axes, t[1]))
            .exact());
  }

  private static void box(List<OracleCase> cases, DType dtype, Random random, int... whole) {
    int[] part = Arrays.stream(whole).map(d -> random.nextInt(1, d + 1)).toArray();
    int[] starts = new int[whole.length];
    Arrays.setAll(starts, i -> random.nextInt(0, whole[i] - part[i] + 1));
    Object[] label = {
      dtype, Arrays.toString(whole), Arrays.toString(part), "at", Arrays.toString(starts)
    };
    cases.add(
        OracleCase.of("slice", label)
            .in(dtype, Values.integers(0, 100), whole)
            .out(dtype, part)
            .call((backend, t) -> backend.slice(t[0], starts, t[1]))
            .exact());
    cases.add(
        OracleCase.of("place", label)
            .in(dtype, Values.integers(0, 100), part)
            .inOut(dtype, Values.integers(100, 120), whole)
            .call((backend, t) -> backend.place(t[0], starts, t[1]))
            .exact());
  }

  private static void gather(
      List<OracleCase> cases, DType dtype, DType indices, int rows, int width, int... at) {
    int[] y = Arrays.copyOf(at, at.length + 1);
    y[at.length] = width;
    Object[] label = {dtype, indices, rows, width, Arrays.toString(at)};
    cases.add(
        OracleCase.of("gather", label)
            .in(dtype, rows, width)
            .in(indices, Values.integers(0, rows), at)
            .out(dtype, y)
            .call((backend, t) -> backend.gather(t[0], t[1], t[2]))
            .exact());
    cases.add(
        OracleCase.of("gatherBackward", label)
            .in(indices, Values.integers(0, rows), at)
            .in(dtype, y)
            .out(dtype, rows, width)
            .call((backend, t) -> backend.gatherBackward(t[0], t[1], t[2])));
  }

  private static int[] dims(Random random, int rank, int from, int to) {
    return random.ints(rank, from, to).toArray();
  }
}
