package nacre.tensor.cuda.cudnn;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.DType;
import nacre.tensor.cuda.driver.CudaException;

/**
 * The place on disk of a graph's plan, in cuDNN's own form, which has the code of engines that were
 * compiled in it; or of the verdict that cuDNN has none. A line of what Nacre wants to know of a
 * plan stands before it.
 *
 * @param name the graph, and what else the choice of its engine depends on
 */
record KeptPlan(Target target, String name) {
  /**
   * Changes where files are written, or engines are allowed, in another way: older ones are lost.
   */
  private static final String FORM = "plan 1, ";

  private static final String NONE = "none ";

  KeptPlan {
    name = FORM + name;
  }

  /**
   * The plan, made ready without a question to cuDNN's heuristics and without compilation; nothing
   * where none is kept, where the engine is no longer allowed, and where cuDNN does not take it.
   *
   * @throws CudnnException if it is kept that there is none, with the reason
   */
  Optional<Engines.Choice> find(DType dtype, Graph.Freedom freedom) throws CudnnException {
    Optional<byte[]> found = target.cache().find(name);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    byte[] kept = found.get();
    int end = 0;
    while (end < kept.length && kept[end] != '\n') {
      end++;
    }
    String line = new String(kept, 0, end, StandardCharsets.UTF_8);
    if (line.startsWith(NONE)) {
      throw new CudnnException(line.substring(NONE.length()));
    }
    Engines.Engine engine = engine(line);
    if (engine == null || end == kept.length || !engine.allowed(dtype, freedom)) {
      return Optional.empty();
    }
    return ready(Arrays.copyOfRange(kept, end + 1, kept.length), engine);
  }

  private Optional<Engines.Choice> ready(byte[] text, Engines.Engine engine) throws CudnnException {
    Descriptor plan = Descriptor.create("plan", Cudnn.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR());
    try {
      target
          .tell(plan)
          .text(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION(), text)
          .finishIfItCan();
      long workspace = plan.number(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE());
      return Optional.of(new Engines.Choice(plan, engine, workspace));
    } catch (CudnnException | CudaException e) {
      plan.close();
      return Optional
          .empty(); // a new one is made and kept; if the device is to blame, that says so
    }
  }

  /** Keeps a plan, where cuDNN can write it. */
  void keep(Engines.Choice choice) {
    byte[] text;
    try {
      text = choice.plan().text(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION());
    } catch (CudnnException | CudaException e) {
      return; // not every version writes every plan
    }
    byte[] line = (line(choice.engine()) + '\n').getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(line, line.length + text.length);
    System.arraycopy(text, 0, all, line.length, text.length);
    target.cache().keep(name, all);
  }

  /** Keeps that there is none. */
  void keepNone(String reason) {
    String line = NONE + reason.replace('\n', ' ');
    target.cache().keep(name, line.getBytes(StandardCharsets.UTF_8));
  }

  void drop() {
    target.cache().drop(name);
  }

  // ---- an engine as text: its number, whether it was compiled, its notes

  private static String line(Engines.Engine engine) {
    String notes = engine.notes().stream().map(String::valueOf).collect(Collectors.joining(","));
    return engine.number() + (engine.compiled() ? " compiled " : " ready ") + notes;
  }

  private static Engines.Engine engine(String line) {
    String[] words = line.split(" ", -1);
    if (words.length != 3) {
      return null;
    }
    try {
      List<Integer> notes =
          words[2].isEmpty()
              ? List.of()
              : Arrays.stream(words[2].split(",")).map(Integer::valueOf).toList();
      return new Engines.Engine(Long.parseLong(words[0]), notes, words[1].equals("compiled"));
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
