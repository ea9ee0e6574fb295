package nacre.tensor.cuda.cudnn;

import java.util.ArrayList;
import java.util.List;
import nacre.bindings.cudnn.Cudnn;
import nacre.tensor.DType;

/**
 * The engines that cuDNN has for a graph, and the choice among them.
 *
 * @param dtype what the graph's operands are stored as
 */
record Engines(Descriptor graph, Target target, DType dtype, Graph.Freedom freedom) {
  /** Workspace beyond which the next engine is asked. */
  private static final long MUCH = 1L << 30;

  /**
   * An engine of cuDNN's, as it describes itself.
   *
   * @param number its number among the engines of its kind of graph, which versions may change
   * @param notes cuDNN's numerical notes: what may make its results differ
   * @param compiled whether its kernel is compiled when a plan is made, which takes about a second
   */
  record Engine(long number, List<Integer> notes, boolean compiled) {
    @Override
    public String toString() {
      return "engine " + number + ", notes " + notes + (compiled ? ", compiled" : "");
    }

    /** Whether it gives the same bits each time, and as exact ones as was asked for. */
    boolean allowed(DType dtype, Graph.Freedom freedom) {
      // cuDNN's TF32 engines say that they use tensor cores, and nothing else: these multiply no
      // f32 operands but rounded ones. Inputs that are converted down are rounded further yet.
      boolean rounds =
          dtype == DType.F32
              && !freedom.tensorCoresForF32()
              && notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_TENSOR_CORE());
      return !rounds
          && !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS())
          && !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC())
          && !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION())
          && !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_WINOGRAD());
    }
  }

  /** A plan, and the engine that runs it. */
  record Choice(Descriptor plan, Engine engine, long workspace) {}

  /**
   * The plans of the first engines, in cuDNN's order, that are deterministic and exact enough, and
   * want no more than a gibibyte of workspace; where all want more, of the one that wants least.
   *
   * @param most how many are wanted; there is one at least
   * @throws CudnnException if there is none, with the reason of the last that was tried
   */
  List<Choice> first(int most) throws CudnnException {
    CudnnException last = new CudnnException("its heuristics know no engine");
    boolean forGood = true;
    boolean tried = false;
    Choice least = null;
    List<Choice> choices = new ArrayList<>();
    for (int mode : new int[] {Cudnn.CUDNN_HEUR_MODE_A(), Cudnn.CUDNN_HEUR_MODE_FALLBACK()}) {
      List<Descriptor> configurations;
      try {
        configurations = recommended(mode);
      } catch (CudnnException e) {
        last = e;
        forGood &= e.isForGood();
        continue;
      }
      try {
        for (Descriptor configuration : configurations) {
          if (choices.size() == most) {
            break;
          }
          try {
            Engine engine = engine(configuration);
            if (freedom.failed().contains(engine.number)) {
              tried = true;
              last = new CudnnException("engine " + engine.number + " fails when it is run", false);
              forGood = false;
              continue;
            }
            if (!engine.allowed(dtype, freedom)) {
              if (!tried) {
                last = new CudnnException("what it recommends is not deterministic, or less exact");
              }
              continue;
            }
            tried = true;
            Descriptor plan = plan(configuration);
            long wants = plan.number(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE());
            Choice choice = new Choice(plan, engine, wants);
            if (wants <= MUCH) {
              choices.add(choice);
            } else if (least == null || wants < least.workspace) {
              close(least);
              least = choice;
            } else {
              close(choice);
            }
          } catch (CudnnException e) {
            last = e;
            forGood &= e.isForGood();
          }
        }
      } finally {
        configurations.forEach(Descriptor::close);
      }
      if (!choices.isEmpty()) {
        close(least);
        return choices;
      }
    }
    if (least != null) {
      return List.of(least);
    }
    throw new CudnnException(last.getMessage(), forGood);
  }

  private static void close(Choice choice) {
    if (choice != null) {
      choice.plan.close();
    }
  }

  /** All engine configurations that a heuristic of cuDNN's names, the fastest first. */
  private List<Descriptor> recommended(int mode) throws CudnnException {
    try (Descriptor heuristics =
        Descriptor.create("heuristics", Cudnn.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR())) {
      heuristics
          .nodes(Cudnn.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH(), graph)
          .code(Cudnn.CUDNN_ATTR_ENGINEHEUR_MODE(), Cudnn.CUDNN_TYPE_HEUR_MODE(), mode);
      if (target instanceof Target.Described described) {
        heuristics.nodes(Cudnn.CUDNN_ATTR_ENGINEHEUR_DEVICEPROP(), described.properties());
      }
      return heuristics
          .finishIfItCan()
          .nodes(
              Cudnn.CUDNN_ATTR_ENGINEHEUR_RESULTS(),
              "engine configuration",
              Cudnn.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR());
    }
  }

  private static Engine engine(Descriptor configuration) throws CudnnException {
    try (Descriptor engine =
        configuration.node(
            Cudnn.CUDNN_ATTR_ENGINECFG_ENGINE(),
            "engine",
            Cudnn.CUDNN_BACKEND_ENGINE_DESCRIPTOR())) {
      return new Engine(
          engine.number(Cudnn.CUDNN_ATTR_ENGINE_GLOBAL_INDEX()),
          engine.codes(Cudnn.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE(), Cudnn.CUDNN_TYPE_NUMERICAL_NOTE()),
          engine
              .codes(Cudnn.CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE(), Cudnn.CUDNN_TYPE_BEHAVIOR_NOTE())
              .contains(Cudnn.CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION()));
    }
  }

  private Descriptor plan(Descriptor choice) throws CudnnException {
    Descriptor plan = Descriptor.create("plan", Cudnn.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR());
    try {
      return target
          .tell(plan)
          .nodes(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG(), choice)
          .finishIfItCan();
    } catch (CudnnException | RuntimeException e) {
      plan.close();
      throw e;
    }
  }
}
