package nacre.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.cli.options.Accepts;
import nacre.cli.options.Sampling;
import nacre.cli.options.Seed;
import nacre.cli.options.UsageException;
import nacre.cli.output.AnimatedGif;
import nacre.cli.output.NewFile;
import nacre.cli.output.PngMetadata;
import nacre.cli.output.Sheet;
import nacre.cli.output.Upscaling;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.EditParser;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.edit.ShowEdits;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.TextFile;
import picocli.CommandLine.Option;

/** The part of {@code sample} that draws edited scenes with a Neural Assets model. */
final class SceneSampling {
  private static final int TURN_FRAMES = 36;
  private static final Duration TURN_DELAY = Duration.ofMillis(80);
  private static final int GIF_SIDE = 256;

  /** With fewer steps of training no preset draws more than blurs. */
  private static final int FEW_STEPS = 1000;

  @Option(
      names = "--scene",
      paramLabel = "FOLDER",
      description = "A scene folder of yours; a rendered held-out scene unless given.")
  private String folder;

  @Option(
      names = "--data",
      paramLabel = "[NAME:]PATH",
      description =
          "A data set, from which --scene takes a clip by its number or identity, --scene-seed by"
              + " its number.")
  private String data;

  @Option(
      names = "--scene-seed",
      paramLabel = "N",
      description = "Number of the held-out scene, and of the first row's; 0 unless given.")
  @Accepts(from = 0, to = 1e15)
  private long sceneSeed = 0;

  @Option(
      names = "--rows",
      paramLabel = "N",
      description = "Held-out scenes to show where no edit is given; 6 unless given.")
  @Accepts(from = 1, to = 500)
  private int rows = 6;

  @Option(
      names = "--source",
      paramLabel = "FRAME",
      description = "Frame that gives the appearance; counted from 0.")
  @Accepts(from = 0)
  private Integer source;

  @Option(
      names = "--target",
      paramLabel = "FRAME",
      description = "Frame whose camera and poses are edited; counted from 0.")
  @Accepts(from = 0)
  private Integer target;

  @Option(
      names = "--edit",
      paramLabel = "EDIT",
      description = "One picture of the sheet; may be given several times.")
  private List<String> edits = new ArrayList<>();

  @Option(
      names = "--edits",
      paramLabel = "FILE",
      description = "JSON file of edits, all in one picture.")
  private Path editFile;

  @Option(
      names = "--turn",
      paramLabel = "OBJECT",
      description = "Object that turns in the GIF; the one that shows most unless given.")
  private String turn;

  @Option(
      names = "--truth",
      description = "Show beside it what rendered scenes would really look like.")
  private boolean truth;

  @Option(
      names = "--keep-background",
      paramLabel = "MARGIN",
      arity = "0..1",
      fallbackValue = "0.15",
      description =
          "Draw only where edited objects are and were, with a margin around of this share of"
              + " their size (0.15 unless given); the rest is the source frame's, to the bit.")
  @Accepts(from = 0, to = 10)
  private Double keptMargin;

  @Option(
      names = "--invert",
      description =
          "Begin with the noise to which DDIM inverts the source frame, instead of random noise.")
  private boolean invert;

  /** The edits as given on the command line. */
  private final List<String> described = new ArrayList<>();

  /**
   * Draws the sheet and the animation.
   *
   * @param modelFolder of the model
   * @param sampling the common sampling options
   */
  void run(Path modelFolder, Device device, Sampling sampling) throws IOException {
    PrintStream print = System.out;
    check(sampling);
    try (Scope _ = Scope.open()) {
      NeuralAssets model = ModelFolder.load(modelFolder, device);
      Sampler sampler = sampler(model, sampling.steps(), sampling.guidance());
      int size = model.preset().imageSize();
      print.println(
          String.format(
              Locale.ROOT,
              "model   %s, preset %s, DDIM, %d steps, %dx%d, seed %s, on %s",
              modelFolder,
              model.preset().name(),
              sampler.steps(),
              size,
              size,
              sampling.seed(),
              device));
      print.println("device  " + device.backend().describe());
      noteBriefTraining(modelFolder, print);
      ClipSource source = data == null ? null : DataChoice.open(data, model.preset());
      Scenes scenes = new Scenes(model.preset(), source);
      var mode = new DrawingStart.Mode(keptMargin, invert);
      SamplePictures pictures = new SamplePictures(sampler, scenes, sampling.seed(), mode, print);
      List<SceneView> views = views(scenes);
      SceneView first = views.getFirst();
      describe(first, print);
      List<SamplePictures.Order> turns = turns(first);
      Sheet sheet = sheet(scenes, pictures, views, sampling.images());
      Path out = Files.createDirectories(sampling.out());
      NewFile file = new NewFile(sampling.overwrite());
      Map<String, String> texts = parameters(modelFolder, sampler, sampling);
      Path png = file.write(out.resolve("sheet.png"), PngMetadata.encode(sheet.draw(), texts));
      print.println("sheet   " + png);
      if (ownEdits()) {
        writeEdits(sheet, sampling, texts, file, print);
      }
      if (!turns.isEmpty()) {
        List<BufferedImage> turning = turning(scenes, pictures, turns);
        int scale = Math.max(1, GIF_SIDE / turning.getFirst().getHeight());
        byte[] frames = AnimatedGif.encode(turning, TURN_DELAY, scale, Upscaling.NEAREST);
        Path gif = file.write(out.resolve("turn.gif"), frames);
        print.println("gif     " + gif);
      }
    }
  }

  private void check(Sampling sampling) {
    if (keptMargin != null && target != null && !target.equals(source)) {
      throw new UsageException(
          "--keep-background keeps the source frame, whose camera cannot be another: leave out"
              + " --target, or give --source the same frame");
    }
    if (invert && sampling.images() > 1) {
      throw new UsageException(
          "--invert begins with one noise, whatever the seed: it goes without --images");
    }
  }

  /** Each edit's pictures at the model's own size, a file each. */
  private static void writeEdits(
      Sheet sheet, Sampling sampling, Map<String, String> texts, NewFile file, PrintStream print)
      throws IOException {
    for (int later = 0; later < sampling.images(); later++) {
      List<Sheet.Tile> tiles = sheet.rows().get(later).tiles();
      Seed seed = sampling.seed().plus(later);
      for (int i = SampleSheet.BEFORE_EDITS; i < tiles.size(); i++) {
        Map<String, String> own = new LinkedHashMap<>(texts);
        own.put("edits", sheet.columns().get(i));
        own.put("seed", seed.toString());
        String name =
            String.format(Locale.ROOT, "edit-%d-%s.png", i + 1 - SampleSheet.BEFORE_EDITS, seed);
        byte[] png = PngMetadata.encode(tiles.get(i).picture(), own);
        print.println("picture " + file.write(sampling.out().resolve(name), png));
      }
    }
  }

  /** What is drawn after a short training is mostly noise, and looks like a fault. */
  private static void noteBriefTraining(Path modelFolder, PrintStream print) throws IOException {
    Path folder = modelFolder.toAbsolutePath().getParent();
    if (folder == null || !Checkpoint.is(folder)) {
      return; // a model without the run that it comes from
    }
    long steps = new Checkpoint(folder).state().step();
    if (steps < FEW_STEPS) {
      print.println(
          String.format(
              Locale.ROOT,
              "note    trained for %d steps only, and draws accordingly; --model models/demo ships"
                  + " with Nacre",
              steps));
    }
  }

  private static void describe(SceneView view, PrintStream print) {
    List<String> names = view.scene().names();
    print.println(
        String.format(Locale.ROOT, "scene   %s: %s", view.name(), String.join(", ", names)));
    if (view.clip().objects() < names.size()) {
      List<String> taken = view.clip().sceneIndices().stream().map(names::get).toList();
      print.println(
          String.format(
              Locale.ROOT,
              "        the model has room for %d objects: %s; the others belong to the background",
              taken.size(),
              String.join(", ", taken)));
    }
  }

  /** A sampler with the preset's settings, unless the command line overrides them. */
  static Sampler sampler(NeuralAssets model, Integer steps, Double guidance) {
    Preset.Sampling preset = model.preset().sampling();
    int count = steps != null ? steps : preset.numInferenceSteps();
    int most = model.preset().scheduler().numTrainTimesteps();
    if (count < 1 || count > most) {
      throw new UsageException(
          String.format(Locale.ROOT, "--steps is %d, must be from 1 to %d", count, most));
    }
    double scale = guidance != null ? guidance : preset.guidanceScale();
    return new Sampler(model, count, scale);
  }

  private List<SceneView> views(Scenes scenes) throws IOException {
    List<SceneView> views = new ArrayList<>();
    if (folder != null) {
      views.add(scenes.view(folder));
    } else {
      int count = ownEdits() ? 1 : rows(scenes);
      for (int i = 0; i < count; i++) {
        views.add(scenes.view(Long.toString(sceneSeed + i)));
      }
    }
    views.replaceAll(this::withFrames);
    return views;
  }

  /** Rows of the sheet: a data set may have fewer clips, one of which only lends its objects. */
  private int rows(Scenes scenes) {
    long left = scenes.count() - 1 - sceneSeed;
    return Math.clamp(left, 1, rows);
  }

  /** What is kept is the source frame's, so that edits start from it. */
  private SceneView withFrames(SceneView view) {
    int from = source != null ? source : view.source();
    int usual = keptMargin != null ? from : view.target();
    return view.withFrames(from, target != null ? target : usual);
  }

  private boolean ownEdits() {
    return !edits.isEmpty() || editFile != null;
  }

  private Sheet sheet(Scenes scenes, SamplePictures pictures, List<SceneView> views, int images)
      throws IOException {
    SampleSheet sheet =
        new SampleSheet("Neural Assets, edited in 3D", pictures, truth ? scenes : null, images);
    if (!ownEdits()) {
      long donor = (sceneSeed + views.size()) % scenes.count();
      List<SceneView> donors = List.of(scenes.view(Long.toString(donor)));
      return sheet.ofAllEdits(views, donors);
    }
    List<String> headings = new ArrayList<>();
    List<List<Edit>> parsed = new ArrayList<>();
    for (String edit : edits) {
      headings.add(edit);
      parsed.add(EditParser.parse(edit));
    }
    described.addAll(edits);
    if (editFile != null) {
      headings.add(editFile.getFileName().toString());
      parsed.add(EditParser.readJson(editFile));
      described.add(TextFile.read(editFile).replaceAll("\\s+", " ").strip());
    }
    requireKept(parsed);
    return sheet.ofEdits(views.getFirst(), headings, parsed);
  }

  private void requireKept(List<List<Edit>> parsed) {
    for (Edit edit :
        keptMargin == null ? List.<Edit>of() : parsed.stream().flatMap(List::stream).toList()) {
      if (edit instanceof Edit.Background) {
        throw new UsageException(
            "--keep-background keeps the background, an edit replaces it: leave one of them out");
      }
      if (edit instanceof Edit.MoveCamera) {
        throw new UsageException(
            "--keep-background keeps the source frame, whose camera an edit moves: leave one of"
                + " them out");
      }
    }
  }

  /**
   * The frames of the animation; none where there is no object to turn.
   *
   * @throws EditException if the object that is to turn cannot
   */
  private List<SamplePictures.Order> turns(SceneView view) {
    String object = turn != null ? turn : ShowEdits.clearest(view).orElse(null);
    List<SamplePictures.Order> orders = new ArrayList<>();
    for (int i = 0; object != null && i < TURN_FRAMES; i++) {
      List<Edit> rotate = List.of(new Edit.Rotate(object, 360.0 * i / TURN_FRAMES, null));
      EditedScene.apply(view.scene(), view.target(), rotate);
      orders.add(new SamplePictures.Order(view, rotate, 0));
    }
    return orders;
  }

  private List<BufferedImage> turning(
      Scenes scenes, SamplePictures pictures, List<SamplePictures.Order> orders)
      throws IOException {
    List<BufferedImage> frames = new ArrayList<>(pictures.draw(orders));
    for (int i = 0; truth && i < TURN_FRAMES; i++) {
      Optional<BufferedImage> real = scenes.truth(orders.get(i).view(), orders.get(i).edits());
      if (real.isPresent()) {
        frames.set(i, beside(frames.get(i), real.get()));
      }
    }
    return frames;
  }

  private static BufferedImage beside(BufferedImage left, BufferedImage right) {
    int width = left.getWidth() + 1 + right.getWidth();
    BufferedImage both = new BufferedImage(width, left.getHeight(), BufferedImage.TYPE_INT_RGB);
    both.getRaster().setRect(0, 0, left.getRaster());
    both.getRaster().setRect(left.getWidth() + 1, 0, right.getRaster());
    return both;
  }

  private Map<String, String> parameters(Path modelFolder, Sampler sampler, Sampling sampling) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("Software", "Nacre");
    texts.put("model", modelFolder.toString());
    if (data != null) {
      texts.put("data", data);
    }
    texts.put("scene", folder != null ? folder : Long.toString(sceneSeed));
    texts.put("edits", ownEdits() ? String.join(" | ", described) : "all kinds");
    texts.put("steps", Integer.toString(sampler.steps()));
    texts.put("guidance", Double.toString(sampler.guidance()));
    int images = sampling.images();
    String last = images == 1 ? "" : " to " + sampling.seed().plus(images - 1);
    texts.put("seed", sampling.seed() + last);
    if (keptMargin != null) {
      texts.put("background kept, margin", keptMargin.toString());
    }
    if (invert) {
      texts.put("noise", "inverted source frame");
    }
    return texts;
  }
}
