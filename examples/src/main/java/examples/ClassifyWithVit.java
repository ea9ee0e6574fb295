package examples;

import static nacre.tensor.ops.Ops.*;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.Random;
import nacre.nn.AdamW;
import nacre.nn.Layer;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Trains a vision transformer from nothing to tell lying bars from standing ones: {@code [STEPS]}.
 */
public final class ClassifyWithVit {
  private static final int SIZE = 16;
  private static final int BATCH = 32;
  private static final VitConfig CONFIG =
      new VitConfig(48, 3, 4, 96, "gelu", 1e-6, SIZE, 4, 3, true);

  public static void main(String[] args) {
    int steps = args.length > 0 ? Integer.parseInt(args[0]) : 300;
    Device device = Device.of("auto");
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(device, DType.F32, 1);
      Vit vit = new Vit(p.at("vit"), CONFIG);
      Linear head = new Linear(p.at("head"), CONFIG.hiddenSize(), 2);
      Layer model = pixels -> head.forward(vit.pool(vit.forward(pixels))); // [N, 2]
      AdamW optimizer = new AdamW(p.trainable(), 1e-3);
      Random random = new Random(7);
      for (int step = 1; step <= steps; step++) {
        try (Scope _ = Scope.open()) {
          int[] shapes = random.ints(BATCH, 0, 2).toArray();
          Tensor labels = Tensor.ofInts(device, Shape.of(BATCH), shapes);
          Tensor pixels = draw(device, shapes, random);
          float loss = optimizer.minimize(() -> crossEntropy(model.forward(pixels), labels));
          if (step % 50 == 0) {
            float[] guesses = argmax(model.forward(pixels)).toFloats();
            int hits = 0;
            for (int i = 0; i < BATCH; i++) {
              hits += guesses[i] == shapes[i] ? 1 : 0;
            }
            System.out.printf("step %4d  loss %.4f  %d of %d%n", step, loss, hits, BATCH);
          }
        }
      }
    }
  }

  /**
   * A lying bar where the shape is 0, a standing one where it is 1: {@code [N, 16, 16, 3]}, −1 to
   * 1.
   */
  private static Tensor draw(Device device, int[] shapes, Random random) {
    BufferedImage image = new BufferedImage(SIZE, SIZE * BATCH, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    for (int i = 0; i < BATCH; i++) {
      g.setColor(Color.getHSBColor(random.nextFloat(), 0.8f, 1));
      int width = shapes[i] == 0 ? 11 : 4;
      int height = 15 - width;
      int x = random.nextInt(SIZE - width);
      g.fillRect(x, SIZE * i + random.nextInt(SIZE - height), width, height);
    }
    float[] rgb = image.getRaster().getPixels(0, 0, SIZE, SIZE * BATCH, (float[]) null);
    return affine(Tensor.of(device, Shape.of(BATCH, SIZE, SIZE, 3), rgb), 1 / 127.5, -1);
  }
}
