package examples;

import static nacre.tensor.ops.Ops.*;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.Random;
import nacre.nn.AdamW;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/** Trains a vision transformer from nothing to tell discs from squares: {@code [STEPS]}. */
public final class ClassifyWithVit {
  private static final int SIZE = 16;
  private static final int BATCH = 32;
  private static final VitConfig CONFIG =
      new VitConfig(48, 3, 4, 96, "gelu", 1e-6, SIZE, 4, 3, true);

  private record Batch(Tensor pixels, Tensor labels) {}

  public static void main(String[] args) {
    int steps = args.length > 0 ? Integer.parseInt(args[0]) : 300;
    Device device = Device.of("auto");
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(device, DType.F32, 1);
      Vit vit = new Vit(p.at("vit"), CONFIG);
      Linear head = new Linear(p.at("head"), CONFIG.hiddenSize(), 2);
      AdamW optimizer = new AdamW(p.trainable(), 1e-3);
      Random random = new Random(7);
      for (int step = 1; step <= steps; step++) {
        try (Scope _ = Scope.open()) {
          Batch batch = draw(device, random);
          float loss =
              optimizer.minimize(
                  () -> crossEntropy(classify(vit, head, batch.pixels), batch.labels));
          if (step % 50 == 0 || step == steps) {
            System.out.printf("step %4d  loss %.4f%n", step, loss);
          }
        }
      }
      System.out.printf("accuracy %.3f%n", accuracy(vit, head, draw(device, new Random(99))));
    }
  }

  private static Tensor classify(Vit vit, Linear head, Tensor pixels) {
    return head.forward(vit.pool(vit.forward(pixels))); // [N, 2]
  }

  private static double accuracy(Vit vit, Linear head, Batch batch) {
    Tensor right = argmax(classify(vit, head, batch.pixels));
    float[] guessed = right.toFloats();
    float[] wanted = batch.labels.toFloats();
    int hits = 0;
    for (int i = 0; i < BATCH; i++) {
      hits += guessed[i] == wanted[i] ? 1 : 0;
    }
    return (double) hits / BATCH;
  }

  private static Batch draw(Device device, Random random) {
    float[] pixels = new float[BATCH * SIZE * SIZE * 3];
    int[] labels = new int[BATCH];
    for (int i = 0; i < BATCH; i++) {
      labels[i] = random.nextInt(2);
      BufferedImage image = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
      Graphics2D g = image.createGraphics();
      g.setColor(Color.getHSBColor(random.nextFloat(), 0.8f, 1));
      int side = 6 + random.nextInt(5);
      int x = random.nextInt(SIZE - side);
      int y = random.nextInt(SIZE - side);
      if (labels[i] == 0) {
        g.fillOval(x, y, side, side);
      } else {
        g.fillRect(x, y, side, side);
      }
      float[] rgb = image.getRaster().getPixels(0, 0, SIZE, SIZE, (float[]) null);
      for (int k = 0; k < rgb.length; k++) {
        pixels[i * rgb.length + k] = rgb[k] / 127.5f - 1;
      }
    }
    return new Batch(
        Tensor.of(device, Shape.of(BATCH, SIZE, SIZE, 3), pixels),
        Tensor.ofInts(device, Shape.of(BATCH), labels));
  }
}
