package nacre.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import nacre.cli.options.Accepts;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.cli.output.PngMetadata;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.StoredClips;
import nacre.neuralassets.render.Inspect;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneReader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code nacre data inspect}. */
@Command(
    name = "inspect",
    description = {
      "Draw what a scene claims over what its frames show.",
      "3D boxes are white, each with its own axes (x red, y green, z blue), 2D boxes yellow."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DataInspect implements Callable<Integer> {
  private static final int COLUMNS = 4;
  private static final int SIDE = 256;

  @Parameters(
      arity = "0..1",
      paramLabel = "[NAME:]PATH",
      description =
          "A data set: a scene folder or a folder of them, of which all are read, or another kind."
              + " Its first clip is drawn.")
  private String data;

  @Option(
      names = "--clip",
      paramLabel = "N|ID",
      description = "Draw this clip, by its number from 0 or its identity, instead of the first.")
  private String clip;

  @Option(
      names = "--scene-seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Where no data set is given: number of a held-out scene; 0 unless given.")
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
    if (data == null && clip != null) {
      throw new UsageException("--clip names a clip of a data set: give that, too");
    }
    if (data == null) {
      scene = SceneRenderer.render(HeldOut.describe(SceneConfig.demo(), sceneSeed), size, size, 3);
    } else {
      ClipSource source = DataChoice.open(data);
      int index = clip == null ? 0 : DataChoice.index(source, clip);
      if (source.size() < 1) {
        throw new UserException(source.describe() + ": holds no clips");
      }
      scene = source.scene(index);
      if (clip == null && source instanceof StoredClips folders) {
        // All are read, so that one call shows whether a data set can be trained on.
        for (Path other : folders.folders().subList(1, folders.size())) {
          SceneReader.read(other);
        }
      }
      print.printf(
          Locale.ROOT,
          "data    %s%n        %,d %s; drawn is %s%n",
          source.describe(),
          source.size(),
          source.size() == 1 ? "clip" : "clips",
          source.id(index));
      for (String remark : source.remarks(index)) {
        print.println("note    " + remark);
      }
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
    Files.createDirectories(out.toAbsolutePath().getParent());
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
