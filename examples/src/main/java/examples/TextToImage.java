package examples;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import nacre.diffusion.StableDiffusion;
import nacre.tensor.Device;

/** Draws a picture of a prompt: {@code TextToImage MODEL_FOLDER PICTURE.png}. */
public final class TextToImage {
  public static void main(String[] args) throws IOException {
    try (var sd = StableDiffusion.load(Path.of(args[0]), Device.of("auto"))) {
      BufferedImage fox = sd.prompt("a fox in the snow").seed(42).steps(25).draw();
      ImageIO.write(fox, "png", new File(args[1]));
    }
  }
}
