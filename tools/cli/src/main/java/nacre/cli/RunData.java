package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.data.ClipSplit;
import nacre.neuralassets.data.DataConfig;

/**
 * The data of a run.
 *
 * @param config how it is drawn from
 * @param source all clips
 * @param split those that are trained on, and those held out
 * @param pool the former
 * @param bad what becomes of clips that cannot be read
 */
record RunData(DataConfig config, ClipSource source, ClipSplit split, ClipPool pool, BadData bad) {

  /**
   * Opens the data of a run.
   *
   * @throws IOException in one line, if it cannot be read
   */
  static RunData of(TrainingRun.Request request, PrintStream out) throws IOException {
    DataConfig config = Scenes.dataOf(request.preset());
    int size = request.preset().imageSize();
    ClipSource source =
        request.data().open(new ClipSourceProvider.Request(config, size, request.seed()));
    List<String> before = request.from() == null ? List.of() : request.from().state().heldOut();
    ClipSplit split = ClipSplit.of(source, config, before);
    BadData bad = request.reading().skipping().bad(out::println);
    return new RunData(
        config, source, split, new ClipPool(split.training(), config, size, bad), bad);
  }

  /** The clips that are held out, at the size of the model's images. */
  ClipPool heldOut(int size) throws IOException {
    return new ClipPool(split.heldOut(), config, size, bad);
  }

  /** The data in lines. */
  List<String> describe() {
    List<String> lines = new ArrayList<>(List.of(pool.describe()));
    if (source.size() != ClipSource.ENDLESS) {
      lines.add(split.describe(config));
    }
    return lines;
  }
}
