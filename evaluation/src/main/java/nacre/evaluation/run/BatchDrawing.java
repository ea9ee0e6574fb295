package nacre.evaluation.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import nacre.evaluation.EditCase;
import nacre.evaluation.Rgb;
import nacre.neuralassets.edit.EditException;
import nacre.weights.OneLine;

/**
 * The pictures of some cases: those that the folder has, and the others as the method draws them.
 */
final class BatchDrawing {
  private final EvaluationFolder folder;
  private final Shard.Key key;
  private final OpenedMethod method;
  private final Runnable eachStep;
  private final List<NumberedCase> drawn = new ArrayList<>();
  private final List<byte[]> pictures = new ArrayList<>();
  private final List<CaseValues> refused = new ArrayList<>();
  private int count;
  private double seconds;

  BatchDrawing(EvaluationFolder folder, Shard.Key key, OpenedMethod method, Runnable eachStep) {
    this.folder = folder;
    this.key = key;
    this.method = method;
    this.eachStep = eachStep;
  }

  /** The cases that have a picture. */
  List<NumberedCase> drawn() {
    return drawn;
  }

  /** Their pictures, packed bytes. */
  List<byte[]> pictures() {
    return pictures;
  }

  /** The cases that the method cannot draw. */
  List<CaseValues> refused() {
    return refused;
  }

  /** How many pictures were drawn now. */
  int count() {
    return count;
  }

  /** How long that took. */
  double seconds() {
    return seconds;
  }

  void add(List<NumberedCase> cases) throws IOException {
    List<NumberedCase> missing = new ArrayList<>();
    for (NumberedCase one : cases) {
      Optional<byte[]> known = folder.readPicture(key, one.number(), one.edit().size());
      if (known.isPresent()) {
        drawn.add(one);
        pictures.add(known.get());
      } else {
        missing.add(one);
      }
    }
    int from = 0;
    for (int to = 1;
        to <= missing.size();
        to++) { // numbers that follow each other are drawn at once
      if (to == missing.size() || missing.get(to).number() != missing.get(to - 1).number() + 1) {
        draw(missing.subList(from, to));
        from = to;
      }
    }
  }

  /** Draws cases; where one of them cannot be carried out, each half of them. */
  private void draw(List<NumberedCase> some) throws IOException {
    List<EditCase> edits = some.stream().map(NumberedCase::edit).toList();
    var opened = method.get(); // takes time that is not the drawing's
    long start = System.nanoTime();
    float[] all;
    try {
      all = opened.draw(edits, some.getFirst().number(), key.seed(), eachStep);
    } catch (EditException e) {
      if (some.size() == 1) {
        refused.add(CaseValues.refused(some.getFirst(), OneLine.clip(e.getMessage())));
      } else {
        int middle = some.size() / 2;
        draw(some.subList(0, middle));
        draw(some.subList(middle, some.size()));
      }
      return;
    }
    seconds += (System.nanoTime() - start) / 1e9;
    count += some.size();
    int each = all.length / some.size();
    for (int i = 0; i < some.size(); i++) {
      drawn.add(some.get(i));
      pictures.add(Rgb.bytes(Arrays.copyOfRange(all, i * each, (i + 1) * each)));
    }
  }
}
