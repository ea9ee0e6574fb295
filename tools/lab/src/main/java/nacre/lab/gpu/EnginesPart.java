package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The first minute: which of cuDNN's engines serves which shape of Stable Diffusion 2.1, how long
 * its plan takes and how long it runs. A program of the compiled tests says it, a line for each
 * shape, and whatever it printed when its time was over counts.
 */
final class EnginesPart {
  private static final int SECONDS = 45;
  private static final String PROGRAM = "nacre.tensor.cuda.cudnn.ServedShapes";
  private static final Pattern LINE = Pattern.compile("(.*?): ((?:engine \\d+|none), .*)");

  private EnginesPart() {}

  static Finding run(Workbench bench) throws IOException, InterruptedException {
    Path tests = bench.home().resolve("tests");
    List<String> command =
        Workbench.java(
            String.join(
                File.pathSeparator, tests.resolve("tensor/cuda/classes").toString(), bench.jars()));
    command.add(PROGRAM);
    command.add(Integer.toString(SECONDS));
    command.add(Boolean.toString(bench.small()));
    return finding(bench.run(bench.home(), command));
  }

  static Finding finding(Workbench.Ran ran) {
    ObjectNode numbers = JsonNodeFactory.instance.objectNode();
    ArrayNode engines = numbers.putArray("engines");
    int none = 0;
    for (String line : ran.lines()) {
      Matcher served = LINE.matcher(line);
      if (served.matches()) {
        engines.addObject().put("what", served.group(1)).put("by", served.group(2));
        none += served.group(2).startsWith("none") ? 1 : 0;
      }
    }
    String sentence =
        String.format(
            Locale.ROOT, "%d shapes served, %d left to our kernels", engines.size() - none, none);
    if (ran.status() != 0) {
      return Finding.failed(sentence + "; then it " + ran.failure(), numbers);
    }
    return engines.isEmpty()
        ? Finding.failed("no shape was asked for: " + ran.last(), numbers)
        : Finding.passed(sentence + ", of " + ran.last(), numbers);
  }
}
