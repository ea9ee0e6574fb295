package nacre.neuralassets.training;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.nn.Optimizer;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Rendezvous;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;

/**
 * The files of a checkpoint that hold the optimizer's state. One process writes one. Of several
 * ranks the first writes the rest of the checkpoint meanwhile, and the others a part of the state
 * each, as shards with an index; whole tensors, so that any number of ranks reads them. A folder
 * that the ranks share is wanted.
 *
 * @param ranks those that write together
 */
record OptimizerPieces(Rendezvous ranks) {
  private static final String STEM = "optimizer";
  private static final String ENDING = ".safetensors";

  /** What the first rank says in place of a folder: there is nothing to write. */
  private static final String NOTHING = "";

  private static final String FAILED = "failed ";

  /**
   * Writes all of the state, with the help of the other ranks, which call {@link #help}.
   *
   * @param besides writes what this rank has to write besides
   * @throws IOException in one line, if any rank cannot write
   */
  void write(Path folder, Optimizer optimizer, Writing besides) throws IOException {
    if (ranks.ranks() == 1) {
      besides.write();
      new SafeTensorsWriter().addParameters(optimizer.state()).write(folder.resolve(STEM + ENDING));
      return;
    }
    tell(folder.toAbsolutePath().toString());
    List<String> answers = answers(outcome(() -> write(folder, optimizer), besides));
    ObjectNode index = new JsonMapper().createObjectNode();
    ObjectNode map = index.putObject("weight_map");
    for (int rank = 0; rank < answers.size(); rank++) {
      for (String name : answers.get(rank).lines().filter(l -> !l.isEmpty()).toList()) {
        map.put(name, file(rank));
      }
    }
    JsonFile.write(folder.resolve(STEM + ENDING + ".index.json"), index);
  }

  /** Says that there is nothing to write, to ranks that have called {@link #help}. */
  void none() {
    if (ranks.ranks() > 1) {
      tell(NOTHING);
    }
  }

  /**
   * Writes a part of the state where the first rank says.
   *
   * @throws IOException in one line, if any rank cannot write
   */
  void help(Optimizer optimizer) throws IOException {
    String folder = tell(null);
    if (!folder.equals(NOTHING)) {
      answers(outcome(() -> write(Path.of(folder), optimizer), () -> {}));
    }
  }

  /** What is written to a folder. */
  interface Writing {
    void write() throws IOException;
  }

  private interface Part {
    String write() throws IOException;
  }

  private String tell(String text) {
    byte[] bytes = text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    return new String(ranks.fromFirst(bytes), StandardCharsets.UTF_8);
  }

  /** The names of what was written, a line each, or the reason why not. */
  private String outcome(Part part, Writing besides) {
    try {
      String names = part.write();
      besides.write();
      return names;
    } catch (IOException e) {
      return FAILED + String.format(Locale.ROOT, "rank %d: %s", ranks.rank(), e.getMessage());
    }
  }

  /** This rank's part of the state: its tensors' names. All ranks take part in gathering it. */
  private String write(Path folder, Optimizer optimizer) throws IOException {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> mine = optimizer.state(name -> owner(name) == ranks.rank());
      if (mine.isEmpty()) {
        return "";
      }
      if (!Files.isDirectory(folder)) {
        throw new IOException(
            folder
                + " is not here: the run's folder must be on a file system that all ranks share");
      }
      new SafeTensorsWriter().addParameters(mine).write(folder.resolve(file(ranks.rank())));
      return String.join("\n", mine.keySet());
    }
  }

  private int owner(String name) {
    return 1 + Math.floorMod(name.hashCode(), ranks.ranks() - 1);
  }

  private String file(int rank) {
    return String.format(Locale.ROOT, "%s-%05d-of-%05d%s", STEM, rank, ranks.ranks() - 1, ENDING);
  }

  /** What every rank has to say; the failure of the first that has one. */
  private List<String> answers(String mine) throws IOException {
    List<String> all = new ArrayList<>();
    for (byte[] bytes : ranks.all(mine.getBytes(StandardCharsets.UTF_8))) {
      all.add(new String(bytes, StandardCharsets.UTF_8));
    }
    for (String answer : all) {
      if (answer.startsWith(FAILED)) {
        throw new IOException(answer.substring(FAILED.length()));
      }
    }
    return all;
  }
}
