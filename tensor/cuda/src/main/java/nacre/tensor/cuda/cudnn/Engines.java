package nacre.tensor.cuda.cudnn;

import java.lang.foreign.MemorySegment;
import java.util.List;
import nacre.bindings.cudnn.Cudnn;

/** The engines that cuDNN has for a graph, and the choice among them. */
record Engines(Descriptor graph, Target target, Graph.Freedom freedom) {
  private static final int MOST = 16;

  /** Workspace beyond which the next engine is asked. */
  private static final long MUCH = 1L << 30;

  /**
   * The plan of the first engine, in cuDNN's order, that is deterministic and exact enough, and
   * wants no more than a gibibyte of workspace; where all want more, of the one that wants least.
   *
   * @throws CudnnException if there is none, with the reason of the last that was tried
   */
  Descriptor best() throws CudnnException {
    CudnnException last = new CudnnException("its heuristics know no engine");
    Descriptor large = null;
    long least = Long.MAX_VALUE;
    for (int mode : new int[] {Cudnn.CUDNN_HEUR_MODE_A(), Cudnn.CUDNN_HEUR_MODE_FALLBACK()}) {
      List<Descriptor> choices;
      try {
        choices = recommended(mode);
      } catch (CudnnException e) {
        last = e;
        continue;
      }
      try {
        for (Descriptor choice : choices) {
          try {
            if (!allowed(choice)) {
              last = new CudnnException("what it recommends is not deterministic, or less exact");
              continue;
            }
            Descriptor plan = plan(choice);
            long wants = plan.number(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE());
            Descriptor other = wants < least ? large : plan;
            if (wants < least) {
              large = plan;
              least = wants;
            }
            if (other != null) {
              other.close();
            }
            if (least <= MUCH) {
              return large;
            }
          } catch (CudnnException e) {
            last = e;
          }
        }
      } finally {
        choices.forEach(Descriptor::close);
      }
    }
    if (large != null) {
      return large;
    }
    throw last;
  }

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
          .finish()
          .nodes(
              Cudnn.CUDNN_ATTR_ENGINEHEUR_RESULTS(),
              "engine configuration",
              Cudnn.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR(),
              MOST);
    }
  }

  /** Whether an engine gives the same bits each time, and as exact ones as was asked for. */
  private boolean allowed(Descriptor choice) throws CudnnException {
    List<Descriptor> engine =
        choice.nodes(
            Cudnn.CUDNN_ATTR_ENGINECFG_ENGINE(),
            "engine",
            Cudnn.CUDNN_BACKEND_ENGINE_DESCRIPTOR(),
            1);
    try {
      List<Integer> notes =
          engine
              .getFirst()
              .codes(Cudnn.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE(), Cudnn.CUDNN_TYPE_NUMERICAL_NOTE());
      boolean rounds = notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS());
      return !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC())
          && !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION())
          && !notes.contains(Cudnn.CUDNN_NUMERICAL_NOTE_WINOGRAD())
          && (!rounds || freedom.tensorCoresForF32());
    } finally {
      engine.forEach(Descriptor::close);
    }
  }

  private Descriptor plan(Descriptor choice) throws CudnnException {
    Descriptor plan = Descriptor.create("plan", Cudnn.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR());
    try {
      switch (target) {
        case Target.Handle(MemorySegment cudnn) ->
            plan.library(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_HANDLE(), cudnn);
        case Target.Described(Descriptor properties) ->
            plan.nodes(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP(), properties);
      }
      return plan.nodes(Cudnn.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG(), choice).finish();
    } catch (CudnnException | RuntimeException e) {
      plan.close();
      throw e;
    }
  }
}
