package nacre.tensor;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;

/**
 * What an operation of a backend must move and compute: every operand once, whatever a cache may
 * hold of it, and the multiplications and additions of products, convolutions and attention.
 *
 * @param reads bytes of the operands
 * @param writes bytes of the results
 * @param again bytes that move besides where an operation takes several launches
 * @param flop of products, convolutions and attention; 0 of all else
 */
record Traffic(long reads, long writes, long again, long flop) {
  /** Operations whose two last tensors are written, the last perhaps not. */
  private static final Set<String> TWO_RESULTS =
      Set.of("attention", "linearWeightGradient", "conv2dWeightGradient");

  static Traffic of(String operation, Object[] arguments) {
    if (arguments == null) {
      return new Traffic(0, 0, 0, 0);
    }
    List<Object> reads = new ArrayList<>();
    List<Object> writes = new ArrayList<>();
    int last = -1;
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i] instanceof Tensor || isList(arguments[i])) {
        last = i;
      }
    }
    for (int i = 0; i < arguments.length; i++) {
      boolean written =
          switch (operation) {
            // The last tensor is what changes the first, or begins a list of results.
            case "groupNorm", "layerNorm" -> arguments[i] instanceof NormStatistics || i == last;
            case "groupNormStatistics" -> arguments[i] instanceof NormStatistics;
            case "groupNormBackward", "layerNormBackward" -> arguments[i] instanceof NormGradients;
            case "attentionBackward" -> arguments[i] instanceof AttentionGradients;
            case "fill", "poison", "normal", "uniform" -> true;
            case "lerp", "adamW" -> false;
            case "download" -> false;
            default -> i == last || TWO_RESULTS.contains(operation) && i == arguments.length - 2;
          };
      (written ? writes : reads).add(arguments[i]);
    }
    if (operation.equals("lerp")) {
      writes.add(arguments[0]);
    } else if (operation.equals("adamW")) {
      AdamWTensors all = (AdamWTensors) arguments[0];
      writes.addAll(
          List.of(all.parameters(), all.compensations(), all.m(), all.v(), all.averages()));
    }
    // What moves a part of a tensor touches no more than that.
    switch (operation) {
      case "slice" -> reads = List.of(arguments[2]);
      case "place" -> writes = List.of(arguments[0]);
      case "gather" -> reads = List.of(arguments[1], arguments[2]);
      default -> {}
    }
    return new Traffic(
        bytes(reads), bytes(writes), again(operation, arguments), flop(operation, arguments));
  }

  /**
   * A normalization's statistics are complete before anything is written with them. What GEGLU
   * takes in, twice as wide as y, is written and read where the linear layer is a launch by itself.
   */
  private static long again(String operation, Object[] arguments) {
    return switch (operation) {
      case "groupNorm" -> ((GroupNormInputs) arguments[0]).x().bytes();
      case "groupNormBackward" ->
          ((GroupNormInputs) arguments[0]).x().bytes() + ((Tensor) arguments[2]).bytes();
      case "layerNormBackward" ->
          ((LayerNormInputs) arguments[0]).x().bytes() + ((Tensor) arguments[2]).bytes();
      case "linearGeglu" -> 2 * 2 * ((Tensor) arguments[3]).bytes();
      default -> 0;
    };
  }

  private static boolean isList(Object argument) {
    return argument instanceof List<?> list && !list.isEmpty() && list.getFirst() instanceof Tensor;
  }

  private static long bytes(List<?> operands) {
    long bytes = 0;
    for (Object operand : operands) {
      bytes +=
          switch (operand) {
            case Tensor tensor -> tensor.bytes();
            case List<?> list -> bytes(list);
            case Record several -> bytes(components(several));
            case null, default -> 0;
          };
    }
    return bytes;
  }

  private static List<Object> components(Record several) {
    List<Object> components = new ArrayList<>();
    try {
      for (RecordComponent component : several.getClass().getRecordComponents()) {
        components.add(component.getAccessor().invoke(several));
      }
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException(e);
    }
    return components;
  }

  private static long flop(String operation, Object[] a) {
    return switch (operation) {
      case "matmul" -> 2 * ((Tensor) a[6]).elements() * inner((Tensor) a[0], (boolean) a[1]);
      case "linear" -> 2 * ((Tensor) a[5]).elements() * ((Tensor) a[0]).dim(-1);
      case "linearGeglu" -> 2 * 2 * ((Tensor) a[3]).elements() * ((Tensor) a[0]).dim(-1);
      case "linears" -> 2 * ((Tensor) a[2]).elements() * ((Tensor) a[0]).dim(-1);
      case "linearWeightGradient" -> 2 * ((Tensor) a[0]).elements() * ((Tensor) a[2]).dim(0);
      case "conv2d" -> convolution((Tensor) a[1], (Tensor) a[6]);
      case "conv2dInputGradient" -> convolution((Tensor) a[1], (Tensor) a[0]);
      case "conv2dWeightGradient" -> convolution((Tensor) a[3], (Tensor) a[1]);
      case "attention" -> 2 * scores((AttentionInputs) a[0]);
      case "attentionBackward" -> 5 * scores((AttentionInputs) a[0]);
      default -> 0;
    };
  }

  private static long inner(Tensor a, boolean transposed) {
    return a.dim(transposed ? -2 : -1);
  }

  /** Of weights [O, KH, KW, I] and an output, or its gradient. */
  private static long convolution(Tensor w, Tensor y) {
    return 2 * y.elements() * (w.elements() / Math.max(1, w.dim(0)));
  }

  /** One product of all queries with all keys. */
  private static long scores(AttentionInputs in) {
    return 2 * in.q().elements() * in.k().dim(1);
  }
}
