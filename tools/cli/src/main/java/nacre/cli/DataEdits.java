package nacre.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.output.NewFile;
import nacre.cli.output.PngMetadata;
import nacre.cli.output.Sheet;
import nacre.cli.output.Upscaling;
import nacre.evaluation.EditCase;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.benchmark.EditKind;
import nacre.neuralassets.scene.PngFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code nacre data edits}. */
@Command(
    name = "edits",
    description = {
      "Draw a sheet of the benchmark of edits: each source beside its true picture.",
      "nacre study measures models on these cases."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DataEdits implements Callable<Integer> {
  /** Model slots and rays a pixel: those of the preset {@code demo}. */
  private static final int SLOTS = 4;

  private static final int SAMPLES = 2;

  @Option(
      names = "--out",
      paramLabel = "FILE.png",
      defaultValue = "out/edits.png",
      description = "The sheet; out/edits.png unless given.")
  private Path out;

  @Option(
      names = "--cases",
      paramLabel = "N",
      defaultValue = "70",
      description = "Number of cases, the first of 300; 70 unless given.")
  @Accepts(from = 1, to = EditBenchmark.COUNT)
  private int count;

  @Option(
      names = "--size",
      paramLabel = "PIXELS",
      defaultValue = "64",
      description = "Width and height of the pictures; 64 unless given.")
  @Accepts(from = 8, to = 512)
  private int size;

  @Override
  public Integer call() throws IOException {
    PrintStream print = System.out;
    List<EditCase> cases = EditBenchmark.cases(count, size, SLOTS, SAMPLES);
    BufferedImage sheet = sheet(cases).draw();
    byte[] png = PngMetadata.encode(sheet, Map.of("Title", "Benchmark of edits"));
    print.println("edits   " + new NewFile(false).write(out, png));
    if (count == EditBenchmark.COUNT) {
      print.println("digest  " + EditBenchmark.digest(cases));
    }
    return 0;
  }

  /** A row for each seven cases, one of each kind. */
  private Sheet sheet(List<EditCase> cases) {
    int kinds = EditKind.values().length;
    List<String> columns = new ArrayList<>();
    for (EditKind kind : EditKind.values()) {
      columns.add(kind.label());
      columns.add("truth");
    }
    List<Sheet.Row> rows = new ArrayList<>();
    for (int from = 0; from < cases.size(); from += kinds) {
      List<Sheet.Tile> tiles = new ArrayList<>();
      for (EditCase one : cases.subList(from, Math.min(from + kinds, cases.size()))) {
        tiles.add(Sheet.Tile.of(SamplePictures.frame(one.view(), one.view().source())));
        tiles.add(
            new Sheet.Tile(
                PngFile.image(one.truth(), size, size), SampleSheet.caption(one.edits())));
      }
      rows.add(new Sheet.Row(String.format(Locale.ROOT, "%02d", from / kinds), tiles));
    }
    return new Sheet(
        "Benchmark of edits", columns, rows, Math.max(1, 128 / size), Upscaling.NEAREST);
  }
}
