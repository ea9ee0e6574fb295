package nacre.cli;

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
import nacre.cli.options.Accepts;
import nacre.cli.options.Seed;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.cli.output.Progress;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.render.SyntheticOrigin;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneReader;
import nacre.neuralassets.scene.SceneWriter;
import nacre.tensor.Memory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code nacre data render}. */
@Command(
    name = "render",
    description = "Render clips into scene folders.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DataRender implements Callable<Integer> {
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
    settings.put("--min-objects", new Object[] {origin.config().minObjects(), config.minObjects()});
    settings.put("--max-objects", new Object[] {origin.config().maxObjects(), config.maxObjects()});
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
