package nacre.tensor.ops;

import static nacre.tensor.ops.Convolution.conv2d;
import static nacre.tensor.ops.CropResize.cropResize;
import static nacre.tensor.ops.CropResize.resize;
import static nacre.tensor.ops.Pool.maxPool;
import static nacre.tensor.ops.Resample.averagePool;
import static nacre.tensor.ops.Resample.upsampleNearest;
import static nacre.tensor.ops.SpaceToDepth.depthToSpace;
import static nacre.tensor.ops.SpaceToDepth.spaceToDepth;
import static nacre.tensor.ops.UpsampleConvolution.upsampleConv2d;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** Convolutions of images, and what changes their size. */
final class ImageCases {
  private ImageCases() {}

  static void addTo(Cases cases) {
    convolutions(cases);
    resamplings(cases);
  }

  private static void convolutions(Cases cases) {
    cases.put(
        UpsampleConvolution.class,
        "with bias",
        in -> upsampleConv2d(in[0], in[1], in[2]),
        Input.of(2, 3, 2, 3),
        Input.of(2, 3, 3, 3),
        Input.of(2));
    cases.put(
        UpsampleConvolution.class,
        "without bias",
        in -> upsampleConv2d(in[0], in[1], null),
        Input.of(1, 2, 3, 2),
        Input.of(3, 3, 3, 2));
    Input image = Input.of(2, 5, 4, 3);
    Input kernel = Input.of(2, 3, 3, 3);
    Input bias = Input.of(2);
    Window same = Window.of(1, 1);
    cases.put(
        Convolution.class,
        "3 × 3 with bias",
        in -> conv2d(in[0], in[1], in[2], same),
        image,
        kernel,
        bias);
    cases.put(
        Convolution.class,
        "3 × 3 without bias",
        in -> conv2d(in[0], in[1], null, same),
        image,
        kernel);
    cases.put(
        Convolution.class,
        "with residual",
        in -> conv2d(in[0], in[1], in[2], in[3], same),
        image,
        kernel,
        bias,
        Input.of(2, 5, 4, 2));
    cases.put(
        Convolution.class,
        "the same residual at every pixel",
        in -> conv2d(in[0], in[1], in[2], in[3], same),
        image,
        kernel,
        bias,
        Input.of(2, 1, 1, 2));
    cases.put(
        Convolution.class,
        "residual without bias",
        in -> conv2d(in[0], in[1], null, in[2], same),
        image,
        kernel,
        Input.of(2, 5, 4, 2));
    cases.put(
        Convolution.class,
        "residual is the input",
        in -> conv2d(in[0], in[1], null, in[0], same),
        Input.of(1, 3, 3, 2),
        Input.of(2, 3, 3, 2));
    cases.put(
        Convolution.class,
        "1 × 1",
        in -> conv2d(in[0], in[1], in[2], Window.of(1, 0)),
        image,
        Input.of(2, 1, 1, 3),
        bias);
    cases.put(
        Convolution.class,
        "stride 2",
        in -> conv2d(in[0], in[1], in[2], Window.of(2, 1)),
        image,
        kernel,
        bias);
    cases.put(
        Convolution.class,
        "stride 2, padded below and right",
        in -> conv2d(in[0], in[1], in[2], new Window(2, 0, 0, 1, 1)),
        image,
        kernel,
        bias);
    cases.put(
        Convolution.class,
        "patches, a remainder left over",
        in -> conv2d(in[0], in[1], in[2], Window.of(2, 0)),
        Input.of(1, 5, 4, 3),
        Input.of(2, 2, 2, 3),
        bias);
    cases.put(
        Convolution.class,
        "with SiLU",
        in -> conv2d(in[0], in[1], in[2], Unary.SILU, same),
        image,
        kernel,
        bias);
    cases.put(
        Convolution.class,
        "oblong kernel, uneven padding",
        in -> conv2d(in[0], in[1], in[2], new Window(1, 0, 2, 1, 0)),
        Input.of(1, 4, 3, 2),
        Input.of(2, 2, 3, 2),
        bias);
  }

  private static void resamplings(Cases cases) {
    cases.put(Resample.class, "upsample", in -> upsampleNearest(in[0], 2), Input.of(2, 2, 3, 3));
    cases.put(
        Resample.class, "upsample by 3", in -> upsampleNearest(in[0], 3), Input.of(1, 2, 1, 2));
    cases.put(Resample.class, "average", in -> averagePool(in[0], 2), Input.of(2, 4, 6, 3));
    cases.put(Resample.class, "average by 3", in -> averagePool(in[0], 3), Input.of(1, 3, 6, 2));
    cases.put(
        Pool.class, "largest of 2", in -> maxPool(Cases.apart(in[0]), 2, 2), Input.of(1, 5, 4, 2));
    cases.put(
        Pool.class, "largest of 3", in -> maxPool(Cases.apart(in[0]), 3, 2), Input.of(1, 5, 6, 2));
    cases.put(
        Pool.class,
        "largest around",
        in -> maxPool(Cases.apart(in[0]), 3, Window.of(1, 1)),
        Input.of(1, 4, 3, 2));
    cases.put(
        Pool.class,
        "means around",
        in -> Pool.averagePool(in[0], 3, Window.of(1, 1)),
        Input.of(2, 4, 3, 2));
    cases.put(
        Pool.class,
        "means, a remainder left over",
        in -> Pool.averagePool(in[0], 2, new Window(2, 1, 0, 0, 1)),
        Input.of(1, 4, 5, 2));
    cases.put(CropResize.class, "crops", in -> cropResize(in[0], boxes(in[0]), 3, 2), pixels());
    cases.put(CropResize.class, "enlarged", in -> resize(in[0], 7, 5), Input.of(2, 3, 4, 2));
    cases.put(CropResize.class, "reduced", in -> resize(in[0], 2, 3), Input.of(1, 5, 7, 2));
    cases.put(Permute.class, "space to depth", in -> spaceToDepth(in[0], 2), Input.of(1, 4, 6, 3));
    cases.put(Permute.class, "depth to space", in -> depthToSpace(in[0], 2), Input.of(1, 2, 3, 8));
  }

  private static Input pixels() {
    return Input.of(2, 4, 5, 3);
  }

  /**
   * A part of the image, the whole, one that reaches out of it, and one far smaller than a pixel.
   */
  private static Tensor boxes(Tensor x) {
    return Tensor.of(
        x.device(),
        Shape.of(2, 2, 4),
        new float[] {
          0.1f, 0.2f, 0.7f, 0.9f, 0, 0, 1, 1, -0.3f, 0.5f, 0.6f, 1.4f, 0.5f, 0.5f, 0.51f, 0.52f
        });
  }
}
