package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Window;

/** Images enlarged, pooled, cropped and resized, and timesteps. */
final class ResamplingCases {
  private static final int[][] IMAGES = {
    {1, 1, 1, 1}, {2, 3, 5, 4}, {1, 4, 3, 33}, {3, 7, 2, 1}, {1, 16, 17, 20}
  };

  /** Whole, inner, reaching out on each side, wider than the image, tiny, empty, reversed. */
  private static final Values BOXES =
      Values.of(
          0, 0, 1, 1, 0.13, 0.21, 0.72, 0.93, -0.31, 0.4, 0.57, 1.37, 0.61, -0.45, 1.23, 0.33,
          -0.52, -0.27, 1.41, 1.19, 0.413, 0.577, 0.443, 0.601, 0, 0, 0, 0, 0.71, 0.63, 0.29, 0.37,
          1.7, 1.9, 2.3, 2.6);

  private ResamplingCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (int[] s : IMAGES) {
        for (int f = 1; f <= 3; f++) {
          blocks(cases, dtype, f, s, new int[] {s[0], s[1] * f, s[2] * f, s[3]});
        }
      }
      for (Reduction r : List.of(Reduction.MAX, Reduction.MEAN)) {
        pool(cases, dtype, r, new int[] {1, 1, 1, 1}, 1, Window.of(1, 0));
        pool(cases, dtype, r, new int[] {2, 6, 4, 5}, 2, Window.of(2, 0));
        pool(cases, dtype, r, new int[] {1, 9, 8, 17}, 3, Window.of(2, 0));
        pool(cases, dtype, r, new int[] {3, 8, 6, 33}, 3, new Window(2, 0, 0, 1, 1));
        pool(cases, dtype, r, new int[] {2, 5, 7, 4}, 3, Window.of(1, 1));
        pool(cases, dtype, r, new int[] {1, 33, 70, 32}, 3, new Window(1, 2, 0, 1, 2));
      }
      crop(cases, dtype, new int[] {1, 1, 1, 1}, 1, 2, 3);
      crop(cases, dtype, new int[] {1, 9, 7, 2}, 9, 2, 2);
      crop(cases, dtype, new int[] {3, 8, 11, 5}, 3, 3, 4);
      crop(cases, dtype, new int[] {2, 5, 6, 17}, 4, 9, 11);
      crop(cases, dtype, new int[] {1, 28, 28, 33}, 9, 2, 2);
      crop(cases, dtype, new int[] {2, 16, 13, 3}, 1, 7, 5);
      for (int dim : new int[] {2, 5, 32, 33, 320}) {
        timesteps(cases, dtype, dim, 0);
        if (dim > 3) {
          timesteps(cases, dtype, dim, 1);
        }
      }
    }
  }

  private static void blocks(
      List<OracleCase> cases, DType dtype, int factor, int[] small, int[] large) {
    String label = dtype + Arrays.toString(small);
    cases.add(
        OracleCase.of("upsampleNearest", factor, label)
            .in(dtype, small)
            .out(dtype, large)
            .call((backend, t) -> backend.upsampleNearest(t[0], factor, t[1]))
            .exact());
    cases.add(
        OracleCase.of("upsampleNearestBackward", factor, label)
            .in(dtype, large)
            .out(dtype, small)
            .call((backend, t) -> backend.upsampleNearestBackward(t[0], factor, t[1])));
    cases.add(
        OracleCase.of("averagePool", factor, label)
            .in(dtype, large)
            .out(dtype, small)
            .call((backend, t) -> backend.averagePool(t[0], factor, t[1])));
    cases.add(
        OracleCase.of("averagePoolBackward", factor, label)
            .in(dtype, small)
            .out(dtype, large)
            .call((backend, t) -> backend.averagePoolBackward(t[0], factor, t[1])));
  }

  /** Values of a few sizes, so that windows have equals; and the last image is large enough. */
  private static void pool(
      List<OracleCase> cases, DType dtype, Reduction r, int[] image, int kernel, Window window) {
    Object[] label = {r, dtype, Arrays.toString(image), kernel, window};
    int[] y = {
      image[0], window.outHeight(image[1], kernel), window.outWidth(image[2], kernel), image[3]
    };
    OracleCase forward =
        OracleCase.of("pool", label)
            .in(dtype, Values.integers(-4, 5), image)
            .out(dtype, y)
            .call((backend, t) -> backend.pool(r, t[0], kernel, window, t[1]));
    cases.add(r == Reduction.MAX ? forward.exact() : forward);
    cases.add(
        OracleCase.of("poolBackward", label)
            .in(dtype, Values.integers(-4, 5), image)
            .in(dtype, y)
            .out(dtype, image)
            .call((backend, t) -> backend.poolBackward(r, t[0], kernel, window, t[1], t[2])));
  }

  private static void crop(
      List<OracleCase> cases, DType dtype, int[] image, int boxes, int oh, int ow) {
    Object[] label = {dtype, Arrays.toString(image), boxes, oh, ow};
    int[] y = {image[0], boxes, oh, ow, image[3]};
    cases.add(
        OracleCase.of("cropResize", label)
            .in(dtype, image)
            .in(DType.F32, BOXES, image[0], boxes, 4)
            .out(dtype, y)
            .loosen(2)
            .call((backend, t) -> backend.cropResize(t[0], t[1], t[2])));
    cases.add(
        OracleCase.of("cropResizeBackward", label)
            .in(dtype, y)
            .in(DType.F32, BOXES, image[0], boxes, 4)
            .out(dtype, image)
            .loosen(2)
            .call((backend, t) -> backend.cropResizeBackward(t[0], t[1], t[2])));
  }

  private static void timesteps(List<OracleCase> cases, DType dtype, int dim, double shift) {
    for (boolean cosineFirst : new boolean[] {false, true}) {
      // In f32 the angle of a timestep near 1000 is known to 3e-5 only.
      cases.add(
          OracleCase.of("sinusoids", dtype, dim, shift, cosineFirst)
              .in(DType.F32, Values.of(0, 1, 17, 500.5, 981, 999, 0.25), 7)
              .out(dtype, 7, dim)
              .loosen(dtype == DType.F32 ? 10 : 1)
              .call((backend, t) -> backend.sinusoids(t[0], cosineFirst, shift, 10000, t[1])));
    }
  }
}
