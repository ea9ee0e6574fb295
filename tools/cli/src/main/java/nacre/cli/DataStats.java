package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.PresetName;
import nacre.cli.options.UsageException;
import nacre.cli.output.Histogram;
import nacre.cli.output.PngMetadata;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code nacre data stats}. */
@Command(
    name = "stats",
    description =
        "Count objects, sizes, depths, gaps and rotations in pairs of frames, as a run draws them.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DataStats implements Callable<Integer> {
  @Parameters(paramLabel = "[NAME:]PATH", description = "The data set.")
  private String data;

  @Option(
      names = "--preset",
      paramLabel = "NAME|FILE",
      defaultValue = "demo",
      description = "The preset whose gaps between frames are taken; demo unless given.")
  private String preset;

  @Option(
      names = "--pairs",
      paramLabel = "N",
      defaultValue = "500",
      description = "Number of pairs to look at; 500 unless given.")
  @Accepts(from = 1, to = 10_000_000)
  private int pairs;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "out/stats.png",
      description = "The picture of the histograms; out/stats.png unless given.")
  private Path out;

  @Mixin private Skipping skipping;

  private final Map<String, List<Double>> numbers = new LinkedHashMap<>();

  @Override
  public Integer call() throws IOException {
    PrintStream print = System.out;
    if (!(PresetName.file(preset).trained() instanceof Preset drawn)) {
      throw new UsageException("--preset: " + preset + " draws no pairs of frames");
    }
    DataConfig config = Scenes.dataOf(drawn);
    ClipSource source = DataChoice.open(data, drawn);
    BadData bad = skipping.bad(print::println);
    SplittableRandom random = new SplittableRandom(0);
    int most = Math.min(source.size(), config.stream().maxClips());
    for (int i = 0; i < pairs; i++) {
      int index = random.nextInt(source.size() == ClipSource.ENDLESS ? most : source.size());
      try {
        add(source.scene(index), config, random);
      } catch (UncheckedIOException e) {
        bad.met(source.name(index), e.getCause());
      } catch (IOException e) {
        bad.met(source.name(index), e);
      }
    }
    print.println("data    " + source.describe());
    print.printf(Locale.ROOT, "pairs   %,d, by the gaps of the preset %s%n", pairs, drawn.name());
    print.println(
        "                                    count      least        5 %     median       95 %"
            + "   greatest");
    List<Histogram> histograms = new ArrayList<>();
    numbers.forEach(
        (label, values) -> {
          double[] sorted = values.stream().mapToDouble(x -> x).sorted().toArray();
          print.println(row(label, sorted));
          histograms.add(new Histogram(label, sorted));
        });
    Files.createDirectories(out.toAbsolutePath().getParent());
    String title = String.format(Locale.ROOT, "%,d pairs of %s", pairs, data);
    PngMetadata.write(out, Histogram.draw(title, histograms), Map.of("Software", "Nacre"));
    print.println("picture " + out);
    return 0;
  }

  private static String row(String label, double[] sorted) {
    StringBuilder row =
        new StringBuilder(String.format(Locale.ROOT, "  %-28s%,11d", label, sorted.length));
    for (double share : new double[] {0, 0.05, 0.5, 0.95, 1}) {
      row.append(
          sorted.length == 0
              ? "          –"
              : String.format(
                  Locale.ROOT, "%11.4g", sorted[(int) Math.round(share * (sorted.length - 1))]));
    }
    return row.toString();
  }

  private void add(Scene scene, DataConfig config, SplittableRandom random) {
    int frames = scene.frames().size();
    int longest = frames - 1;
    int least = Math.min(config.minGap(), longest);
    int gap = random.nextInt(least, Math.min(config.maxGap(), longest) + 1);
    int first = random.nextInt(frames - gap);
    SceneFrame source = scene.frames().get(first);
    SceneFrame target = scene.frames().get(first + gap);
    List<ObjectView> views = target.views();
    number("frames of a clip", frames);
    number("gap of a pair, frames", gap);
    number("objects seen in a frame", views.stream().filter(ObjectView::isVisible).count());
    number(
        "camera's rotation, degrees",
        angle(
            axes(source.camera().cameraToWorld().rotation()),
            axes(target.camera().cameraToWorld().rotation())));
    List<Box3> before = source.boxes();
    for (int i = 0; i < views.size(); i++) {
      ObjectView view = views.get(i);
      if (!view.isVisible() || !view.isPresent()) {
        continue;
      }
      var box = view.box2();
      number("object's size, % of image", 100 * (box.y1() - box.y0()) * (box.x1() - box.x0()));
      number("object's depth", target.camera().project(view.box3().center()).depth());
      if (before.get(i) != null) {
        number("object's rotation, degrees", angle(axes(before.get(i)), axes(view.box3())));
        number(
            "object's way, its lengths",
            view.box3().center().minus(before.get(i).center()).length()
                / view.box3().size().length());
      }
    }
  }

  private void number(String label, double value) {
    numbers.computeIfAbsent(label, _ -> new ArrayList<>()).add(value);
  }

  private static List<Vec3> axes(Quaternion q) {
    return List.of(
        q.rotate(new Vec3(1, 0, 0)), q.rotate(new Vec3(0, 1, 0)), q.rotate(new Vec3(0, 0, 1)));
  }

  private static List<Vec3> axes(Box3 box) {
    Vec3 origin = box.corner(0);
    return List.of(
        box.corner(4).minus(origin).normalized(),
        box.corner(2).minus(origin).normalized(),
        box.corner(1).minus(origin).normalized());
  }

  /** The angle of the rotation that takes axes to others. */
  private static double angle(List<Vec3> from, List<Vec3> to) {
    double trace = 0;
    for (int i = 0; i < 3; i++) {
      trace += from.get(i).dot(to.get(i));
    }
    return Math.toDegrees(Math.acos(Math.clamp((trace - 1) / 2, -1, 1)));
  }
}
