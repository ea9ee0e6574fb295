package examples;

import static nacre.tensor.ops.Ops.*;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.Scheduler;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Draws a picture with a scheduler of one's own, for models that predict the noise: {@code
 * NewScheduler MODEL_FOLDER PICTURE.png}.
 */
public final class NewScheduler {
  /** DDIM without noise (Song et al., 2021, equation 12), in evenly spaced timesteps. */
  record PlainDdim(NoiseSchedule schedule, int steps) implements Scheduler {
    private double alpha(int index) {
      return index == steps ? 1 : schedule.alphaCumprod((int) timestep(index));
    }

    @Override
    public double timestep(int index) {
      return (double) (steps - index) * schedule.timesteps() / steps - 1;
    }

    @Override
    public boolean isStochastic(int index) {
      return false;
    }

    @Override
    public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
      history.add(index, sample, output);
      double from = alpha(index);
      double to = alpha(index + 1);
      return Scope.tidy(
          () -> {
            Tensor clean = mix(sample, 1 / Math.sqrt(from), output, -Math.sqrt(1 / from - 1));
            return mix(clean, Math.sqrt(to), output, Math.sqrt(1 - to));
          });
    }
  }

  public static void main(String[] args) throws IOException {
    try (var sd = StableDiffusion.load(Path.of(args[0]), Device.of("auto"))) {
      var fox = sd.prompt("a fox in the snow").seed(42).steps(20).scheduler(PlainDdim::new).draw();
      ImageIO.write(fox, "png", new File(args[1]));
    }
  }
}
