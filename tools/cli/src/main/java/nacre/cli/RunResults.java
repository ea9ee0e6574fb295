package nacre.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import nacre.cli.output.PngMetadata;
import nacre.cli.output.Progress;
import nacre.cli.output.Sheet;
import nacre.cli.ranks.Ranks;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.evaluation.Evaluation;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.TrainedModel;
import nacre.neuralassets.training.Trainer;
import nacre.weights.JsonFile;

/** What a run shows of its model: sheets of samples, and the evaluation at its end. */
final class RunResults {
  /** Number of scenes on the sheets that are drawn while training. */
  private static final int SHEET_ROWS = 4;

  /** Keys of eval.json besides those of {@code eval --json}. */
  private static final String STEP = "step";

  /** The name of the pairs of held-out clips. */
  private static final String HELD_OUT = "pairs of held-out clips";

  private static final String REQUESTED = "requested_pairs";

  private final TrainingRun.Request request;
  private final RunData data;
  private final Scenes scenes;
  private final PrintStream out;
  private final BooleanSupplier stop;

  /** The results of a run. */
  RunResults(
      TrainingRun.Request request,
      Preset preset,
      RunData data,
      PrintStream out,
      BooleanSupplier stop) {
    this.request = request;
    this.data = data;
    this.out = out;
    this.stop = stop;
    scenes = new Scenes(preset);
  }

  /**
   * Draws the last sheet and evaluates, unless that was done when the run was finished before.
   *
   * @param changed whether this start of the run made a step
   * @return false if stopped meanwhile
   */
  boolean conclude(Trainer trainer, RunLog log, boolean changed) throws IOException {
    Ranks ranks = request.ranks();
    if (request.sheets()) {
      boolean isDrawn = !ranks.isFirst() || isDrawn(request, title(trainer)) || sheet(trainer, log);
      if (ranks.any(!isDrawn)) {
        return false;
      }
      out.println("sheet   " + request.folder().sheet());
    }
    if (request.evaluationPairs() == 0) {
      return true;
    }
    boolean rendered = request.data().isRendered();
    if (!rendered && data.split().heldOut().size() < 2) {
      out.println("eval    none: it takes two held-out clips; see nacre eval --data");
      return true;
    }
    if (!changed && ranks.ofFirst(isEvaluated(request, trainer.steps()))) {
      out.println("eval    as before: " + request.folder().evaluation());
      return true;
    }
    Sampler sampler = Sampler.of(trainer.averaged());
    int most = request.evaluationPairs();
    PairBatch pairs =
        rendered
            ? EvalCommand.heldOut(trainer.preset(), most)
            : EvalCommand.stored(
                data.split().heldOut(),
                data.config(),
                most,
                trainer.preset().imageSize(),
                data.bad());
    try (Progress progress = EvalCommand.progress(out, pairs.count(), ranks)) {
      Evaluation evaluation =
          Evaluation.of(
              sampler,
              pairs,
              EvalCommand.show(progress),
              this::requireUnstopped,
              ranks.rendezvous());
      progress.finish();
      out.println(
          EvalCommand.table(evaluation, sampler, rendered ? EvalCommand.HELD_OUT : HELD_OUT));
      ObjectNode json = EvalCommand.json(evaluation, sampler);
      mark(json, request, trainer.steps());
      log.evaluation(trainer.steps(), values(evaluation), json);
      return true;
    } catch (CancellationException e) {
      return false;
    }
  }

  private void requireUnstopped() {
    if (stop.getAsBoolean()) {
      throw new CancellationException();
    }
  }

  private static Map<String, Double> values(Evaluation evaluation) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("eval/psnr", evaluation.model().psnr());
    values.put("eval/psnr_copy", evaluation.copy().psnr());
    values.put("eval/psnr_foreign_poses", evaluation.foreign().psnr());
    values.put("eval/ssim", evaluation.model().ssim());
    return values;
  }

  /** The title of a sheet. */
  static String title(TrainedModel<?> trained) {
    return String.format(
        Locale.ROOT, "%s after %,d steps", trained.preset().name(), trained.steps());
  }

  /** Whether the sheet that the folder holds has a title. */
  static boolean isDrawn(TrainingRun.Request request, String title) {
    try {
      return title.equals(PngMetadata.read(request.folder().sheet()).get("Title"));
    } catch (IOException | RuntimeException missingOrDamaged) {
      return false;
    }
  }

  /** Notes in an evaluation what it is of, for {@link #isEvaluated}. */
  static void mark(ObjectNode json, TrainingRun.Request request, long step) {
    json.put(STEP, step).put(REQUESTED, request.evaluationPairs());
  }

  /** Whether the evaluation that the folder holds is of this step, and of as many pairs. */
  static boolean isEvaluated(TrainingRun.Request request, long step) {
    try {
      JsonNode json = JsonFile.read(request.folder().evaluation());
      return json.path(STEP).asLong(-1) == step
          && json.path(REQUESTED).asInt(-1) == request.evaluationPairs();
    } catch (IOException missingOrDamaged) {
      return false;
    }
  }

  /**
   * Draws the sheet; its last scene only provides objects. With few scenes one may appear twice.
   *
   * @return false if stopped meanwhile
   */
  boolean sheet(Trainer trainer, RunLog log) throws IOException {
    SamplePictures pictures =
        new SamplePictures(
            Sampler.of(trainer.averaged()), scenes, request.seed(), this::requireUnstopped);
    String title = title(trainer);
    List<SceneView> views = new ArrayList<>();
    ClipSource shown = data.split().heldOut().size() > 0 ? data.split().heldOut() : data.source();
    for (int i = 0; i <= SHEET_ROWS; i++) {
      views.add(
          request.data().isRendered()
              ? scenes.view(Integer.toString(i))
              : scenes.view(shown, i % shown.size()));
    }
    SceneView donor = views.removeLast();
    Sheet sheet;
    try {
      sheet = new SampleSheet(title, pictures, null, 1).ofAllEdits(views, List.of(donor));
    } catch (CancellationException e) {
      return false;
    }
    log.sheet(trainer.steps(), sheet.draw(), Map.of("Title", title));
    return true;
  }
}
