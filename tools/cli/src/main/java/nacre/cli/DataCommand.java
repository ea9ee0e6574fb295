package nacre.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import nacre.cli.options.Accepts;
import nacre.cli.options.MissingCommandException;
import nacre.cli.options.Seed;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.cli.output.PngMetadata;
import nacre.cli.output.Progress;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.render.Inspect;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.render.SyntheticOrigin;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFolder;
import nacre.neuralassets.scene.SceneReader;
import nacre.neuralassets.scene.SceneWriter;
import nacre.tensor.Memory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nacre data render} and {@code nacre data inspect}. */
@Command(
    name = "data",
    description = "Make scene folders, and look at them.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {DataCommand.Render.class, DataCommand.Inspection.class})
final class DataCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new MissingCommandException(spec);
  }

  /** {@code nacre data render}. */
  @Command(
      name = "render",
      description = "Render clips into scene folders.",
      mixinStandardHelpOptions = true,
      sortOptions = false)
  static final class Render implements Callable<Integer> {
    @Option(
        names = "--out",
        required = true,
        paramLabel = "FOLDER",
        description = "Where the scene folders go; scenes that are there already are kept.")
    private Path out;

    @Option(
        names = "--clips",
        paramLabel = "N",
        defaultValue = "10",
        description = "Number of clips; 10 unless given.")
    @Accepts(from = 1, to = 100_000)
    private int clips;

    @Option(
        names = "--size",
        paramLabel = "PIXELS",
        defaultValue = "128",
        description = "Width and height of the frames; 128 unless given.")
    @Accepts(from = 1, to = 8192)
    private int size;

    @Option(
        names = "--samples",
        paramLabel = "N",
        defaultValue = "3",
        description = "Rays a pixel along each side; 3 unless given.")
    @Accepts(from = 1, to = 16)
    private int samples;

    @Option(
        names = "--seed",
        paramLabel = "N",
        converter = Seed.Converter.class,
        description = "Seed of the scenes; 0 unless given.")
    private Seed seed = Seed.ZERO;

    @Option(
        names = "--min-objects",
        paramLabel = "N",
        defaultValue = "2",
        description = "Fewest objects in a scene; 2 unless given.")
    @Accepts(from = 0, to = 100)
    private int minObjects;

    @Option(
        names = "--max-objects",
        paramLabel = "N",
        defaultValue = "6",
        description = "Most objects in a scene; 6 unless given.")
    @Accepts(from = 0, to = 100)
    private int maxObjects;

    @Override
    public Integer call() throws IOException {
      if (maxObjects < minObjects) {
        throw new UsageException(
            String.format(
                Locale.ROOT,
                "--max-objects is %d, must be --min-objects, %d, or more",
                maxObjects,
                minObjects));
      }
      SceneConfig config = SceneConfig.standard().withObjects(minObjects, maxObjects);
      SceneGenerator generator = new SceneGenerator(config, seed.bits());
      for (int i = 0; i < clips; i++) {
        requireSame(config, i);
      }
      Files.createDirectories(out);
      PrintStream print = System.out;
      var limit = new Progress.Limit.Steps(clips, "scene");
      try (Progress progress = Progress.start(print, limit, 0, Memory::liveBytes)) {
        for (int i = 0; i < clips; i++) {
          Path folder = folder(i);
          if (!Files.exists(folder.resolve("scene.json"))) {
            Scene scene = SceneRenderer.render(generator.describe(i), size, size, samples);
            Files.createDirectories(folder);
            SyntheticOrigin.of(config, seed.bits(), i, samples).write(folder);
            SceneWriter.write(scene, folder);
          }
          progress.step(i + 1, config.frames());
        }
      }
      print.println("scenes  " + out);
      return 0;
    }

    private Path folder(int index) {
      return out.resolve(String.format(Locale.ROOT, "scene_%05d", index));
    }

    /** Refuses to keep a scene that these options would have made another. */
    private void requireSame(SceneConfig config, int index) throws IOException {
      Path folder = folder(index);
      if (!Files.exists(folder.resolve("scene.json"))) {
        return;
      }
      Map<String, Object[]> settings = new LinkedHashMap<>();
      int[] there = SceneReader.size(folder);
      settings.put("--size", new Object[] {there[0] == there[1] ? there[0] : -1, size});
      SyntheticOrigin origin = SyntheticOrigin.read(folder).orElse(null);
      if (origin == null) {
        throw new UserException(
            folder + ": is no scene that this version rendered; give another --out");
      }
      settings.put("--seed", new Object[] {origin.seed(), seed.bits()});
      settings.put(
          "--min-objects", new Object[] {origin.config().minObjects(), config.minObjects()});
      settings.put(
          "--max-objects", new Object[] {origin.config().maxObjects(), config.maxObjects()});
      if (origin.samples() > 0) {
        settings.put("--samples", new Object[] {origin.samples(), samples});
      }
      settings.values().removeIf(both -> both[0].equals(both[1]));
      if (!settings.isEmpty()) {
        List<String> differ = new ArrayList<>();
        settings.forEach(
            (name, both) ->
                differ.add(String.format(Locale.ROOT, "%s %s, not %s", name, both[0], both[1])));
        throw new UserException(
            String.format(
                Locale.ROOT,
                "%s: was rendered with %s; give the same or another --out",
                folder,
                String.join(", ", differ)));
      }
    }
  }

  /** {@code nacre data inspect}. */
  @Command(
      name = "inspect",
      description = {
        "Draw what a scene claims over what its frames show.",
        "3D boxes are white, each with its own axes (x red, y green, z blue), 2D boxes yellow."
      },
      mixinStandardHelpOptions = true,
      sortOptions = false)
  static final class Inspection implements Callable<Integer> {
    private static final int COLUMNS = 4;
    private static final int SIDE = 256;

    @Parameters(
        arity = "0..1",
        paramLabel = "FOLDER",
        description = "A scene folder, or a folder of them, of which the first is drawn.")
    private Path folder;

    @Option(
        names = "--scene-seed",
        paramLabel = "N",
        defaultValue = "0",
        description = "Where no folder is given: number of a held-out scene; 0 unless given.")
    @Accepts(from = 0, to = 1e15)
    private long sceneSeed;

    @Option(
        names = "--size",
        paramLabel = "PIXELS",
        defaultValue = "128",
        description = "Size at which a held-out scene is rendered; 128 unless given.")
    @Accepts(from = 1, to = 8192)
    private int size;

    @Option(
        names = "--out",
        paramLabel = "FILE",
        defaultValue = "out/inspect.png",
        description = "The picture to write; out/inspect.png unless given.")
    private Path out;

    @Override
    public Integer call() throws IOException {
      PrintStream print = System.out;
      Scene scene;
      if (folder == null) {
        scene =
            SceneRenderer.render(HeldOut.describe(SceneConfig.demo(), sceneSeed), size, size, 3);
      } else {
        List<Path> scenes = SceneFolder.list(folder);
        Path first = scenes.getFirst();
        // All are read, so that one call shows whether a data set can be trained on.
        for (Path other : scenes.subList(1, scenes.size())) {
          SceneReader.read(other);
        }
        scene = SceneReader.read(first);
        print.println(
            String.format(Locale.ROOT, "scenes  %d in order; drawn is %s", scenes.size(), first));
      }
      print.println(
          String.format(
              Locale.ROOT,
              "scene   %d frames of %d×%d, objects: %s",
              scene.frames().size(),
              scene.width(),
              scene.height(),
              String.join(", ", scene.names())));
      List<Integer> frames = frames(scene.frames().size());
      BufferedImage sheet = Inspect.sheet(scene, frames, COLUMNS, SIDE);
      if (out.toAbsolutePath().getParent() != null) {
        Files.createDirectories(out.toAbsolutePath().getParent());
      }
      PngMetadata.write(out, sheet, Map.of("Software", "Nacre"));
      print.println("picture " + out);
      return 0;
    }

    /** At most twelve frames, spread over the clip. */
    private static List<Integer> frames(int count) {
      int shown = Math.min(count, 12);
      return IntStream.range(0, shown)
          .map(i -> shown == 1 ? 0 : (int) Math.round(i * (count - 1.0) / (shown - 1)))
          .boxed()
          .toList();
    }
  }
}
