package nacre.tensor;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import nacre.tensor.spi.Backend;

/**
 * Where time goes: a device that computes as another does, and keeps account of each call of its
 * backend. What is built on {@link #device} is counted. To be used by one thread.
 *
 * <p>The time of a call is that which the caller waits: on a device that computes while the caller
 * goes on, it is the time to say what is to be done.
 */
public final class Profile {
  /**
   * What calls of one operation took together.
   *
   * @param operation the backend's method
   * @param operands dtypes and shapes of the tensors; empty where all are counted together
   */
  public record Row(String operation, String operands, long calls, double seconds) {}

  private record Signature(String operation, String operands) {}

  private final Device device;
  private final Map<Signature, long[]> counts =
      new TreeMap<>(Comparator.comparing(Signature::operation).thenComparing(Signature::operands));

  private Profile(Device watched) {
    Backend backend =
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (_, method, arguments) -> call(watched.backend(), method, arguments));
    device = new Device(watched.toString(), backend);
  }

  /** Begins an account of what is computed on {@link #device}, which computes as the given one. */
  public static Profile of(Device watched) {
    return new Profile(watched);
  }

  /** The device that is watched. */
  public Device device() {
    return device;
  }

  /** Forgets what was counted. */
  public void reset() {
    counts.clear();
  }

  /** One row for each operation, the longest first. */
  public List<Row> operations() {
    return counts.entrySet().stream()
        .collect(Collectors.groupingBy(e -> e.getKey().operation))
        .entrySet()
        .stream()
        .map(
            e ->
                new Row(
                    e.getKey(),
                    "",
                    e.getValue().stream().mapToLong(c -> c.getValue()[0]).sum(),
                    e.getValue().stream().mapToLong(c -> c.getValue()[1]).sum() / 1e9))
        .sorted(Comparator.comparingDouble(Row::seconds).reversed())
        .toList();
  }

  /** One row for each operation and operands, the longest first. */
  public List<Row> signatures() {
    return counts.entrySet().stream()
        .map(
            e ->
                new Row(
                    e.getKey().operation,
                    e.getKey().operands,
                    e.getValue()[0],
                    e.getValue()[1] / 1e9))
        .sorted(Comparator.comparingDouble(Row::seconds).reversed())
        .toList();
  }

  private Object call(Backend backend, Method method, Object[] arguments) throws Throwable {
    long begin = System.nanoTime();
    try {
      return method.invoke(backend, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    } finally {
      long[] count =
          counts.computeIfAbsent(
              new Signature(method.getName(), operands(arguments)), _ -> new long[2]);
      count[0]++;
      count[1] += System.nanoTime() - begin;
    }
  }

  private static String operands(Object[] arguments) {
    StringBuilder text = new StringBuilder();
    if (arguments != null) {
      for (Object argument : arguments) {
        if (argument instanceof Tensor t) {
          text.append(text.isEmpty() ? "" : " ").append(t.dtype()).append(t.shape());
        }
      }
    }
    return text.toString();
  }
}
