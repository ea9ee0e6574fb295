package nacre.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import nacre.cli.options.UserException;
import nacre.cli.output.Sheet;
import nacre.cli.output.Upscaling;
import nacre.neuralassets.autoencoder.AutoencoderTrainer;
import nacre.neuralassets.autoencoder.FrameSampler;
import nacre.neuralassets.autoencoder.HeldOutFrames;
import nacre.neuralassets.autoencoder.Reconstruction;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.scene.PngFile;

/** The training of an autoencoder on single frames. */
final class AutoencoderWorkload implements Workload<float[]> {
  /** Frames on which the scaling factor is measured, and most of those of the validation loss. */
  private static final int PROBE = 64;

  private static final int SHEET_COLUMNS = 8;
  private static final int TILE = 128;

  private final TrainingRun.Request request;
  private final AutoencoderPreset preset;
  private final PrintStream out;
  private final BooleanSupplier stop;
  private final RunData data;
  private final FrameSampler sampler;
  private final AutoencoderTrainer trainer;
  private float[] validation;
  private Prefetch<float[]> prefetch;

  AutoencoderWorkload(
      TrainingRun.Request request, AutoencoderPreset preset, PrintStream out, BooleanSupplier stop)
      throws IOException {
    this.request = request;
    this.preset = preset;
    this.out = out;
    this.stop = stop;
    if (request.ranks().several()) {
      throw new UserException(
          "an autoencoder is trained by one process: start it without the launcher");
    }
    data = RunData.of(request, out);
    new MemoryCheck(request)
        .run(AutoencoderTrainer.memory(preset, request.device(), request.compute()), out);
    sampler = new FrameSampler(data.pool(), data.config(), request.seed(), preset.imageSize());
    float[] probe = sampler.batch(0, few(PROBE));
    trainer =
        new AutoencoderTrainer(preset, request.device(), request.compute(), request.seed(), probe);
  }

  @Override
  public AutoencoderTrainer model() {
    return trainer;
  }

  @Override
  public RunData data() {
    return data;
  }

  @Override
  public String unit() {
    return "frames";
  }

  @Override
  public List<String> begin() {
    return List.of();
  }

  @Override
  public boolean prepare(long steps) throws IOException {
    data.pool().prepare(steps);
    float[] frames = data.split().heldOut().size() > 0 ? validation() : new float[0];
    validation = frames.length > 0 ? frames : null;
    if (!data.pool().isEndless()) {
      prefetch = new Prefetch<>(this::make, request.reading().readers());
    }
    return true;
  }

  @Override
  public float[] batch(long step) {
    return prefetch == null ? make(step) : prefetch.batch(step);
  }

  private float[] make(long step) {
    return sampler.batch(step, preset.training().batchSize());
  }

  @Override
  public OptionalDouble validate() {
    return validation == null
        ? OptionalDouble.empty()
        : OptionalDouble.of(trainer.averagedLoss(validation));
  }

  /** The frames of the validation loss, however many are evaluated at the end. */
  private float[] validation() throws IOException {
    HeldOutFrames frames = frames(PROBE);
    return frames.range(0, few(frames.count()));
  }

  /** As many frames at most as fit into an array, at least one. */
  private int few(int most) {
    long each = 3L * preset.imageSize() * preset.imageSize();
    return (int) Math.min(most, Integer.MAX_VALUE / each);
  }

  /** Frames of held-out clips, one a clip; none if the data set has none. */
  private HeldOutFrames frames(int most) {
    return request.data().isRendered()
        ? HeldOutFrames.rendered(data.config(), most, preset.imageSize())
        : HeldOutFrames.of(
            data.split().heldOut(), data.config(), most, preset.imageSize(), data.bad());
  }

  @Override
  public void sheet(RunLog log) throws IOException {
    HeldOutFrames frames = frames(SHEET_COLUMNS);
    float[] shown = frames.range(0, few(frames.count()));
    if (shown.length == 0) {
      shown = sampler.batch(0, few(SHEET_COLUMNS)); // nothing is held out
    }
    String title = RunResults.title(trainer);
    List<Sheet.Row> rows =
        List.of(row("frame", shown), row("reconstruction", trainer.reconstruct(shown)));
    List<String> columns = new ArrayList<>();
    for (int i = 0; i < rows.getFirst().tiles().size(); i++) {
      columns.add("");
    }
    int scale = Math.max(1, TILE / preset.imageSize());
    Sheet sheet = new Sheet(title, columns, rows, scale, Upscaling.SMOOTH);
    log.sheet(trainer.steps(), sheet.draw(), Map.of("Title", title));
  }

  private Sheet.Row row(String label, float[] pictures) {
    int size = preset.imageSize();
    int length = size * size * 3;
    List<Sheet.Tile> tiles = new ArrayList<>();
    for (int at = 0; at < pictures.length; at += length) {
      byte[] rgb = SamplePictures.rgb(Arrays.copyOfRange(pictures, at, at + length));
      BufferedImage picture = PngFile.image(rgb, size, size);
      tiles.add(Sheet.Tile.of(picture));
    }
    return new Sheet.Row(label, tiles);
  }

  @Override
  public double concludingSeconds(double secondsPerStep) {
    return secondsPerStep * request.evaluationPairs() / preset.training().batchSize();
  }

  @Override
  public boolean conclude(RunLog log, boolean changed) throws IOException {
    if (request.sheets()) {
      if (!RunResults.isDrawn(request, RunResults.title(trainer))) {
        sheet(log);
      }
      out.println("sheet   " + request.folder().sheet());
    }
    HeldOutFrames frames = frames(request.evaluationPairs());
    if (frames.count() == 0) {
      return true;
    }
    if (!changed && RunResults.isEvaluated(request, trainer.steps())) {
      out.println("eval    as before: " + request.folder().evaluation());
      return true;
    }
    Optional<Reconstruction> evaluated = Reconstruction.of(trainer, frames, stop);
    if (evaluated.isEmpty()) {
      return false;
    }
    Reconstruction result = evaluated.get();
    out.printf(
        Locale.ROOT,
        "eval    %.2f dB, SSIM %.3f, the means over %d held-out frames%n",
        result.mean().psnr(),
        result.mean().ssim(),
        result.frames());
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("frames", result.frames()).put("psnr", result.mean().psnr());
    json.put("ssim", result.mean().ssim());
    RunResults.mark(json, request, trainer.steps());
    log.evaluation(
        trainer.steps(),
        Map.of("eval/psnr", result.mean().psnr(), "eval/ssim", result.mean().ssim()),
        json);
    return true;
  }

  @Override
  public void close() {
    if (prefetch != null) {
      prefetch.close();
    }
    trainer.close();
  }
}
