package nacre.tensor;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
   * @param launches what was put on the device, as {@link Backend#launches} counts it
   * @param reads bytes of the operands, each counted once a call; those of a normalization that
   *     takes several launches twice
   * @param writes bytes of the results
   * @param flop multiplications and additions of products, convolutions and attention
   */
  public record Row(
      String operation,
      String operands,
      long calls,
      double seconds,
      long launches,
      long reads,
      long writes,
      long flop) {}

  private static final class Count {
    private long calls;
    private long nanos;
    private long launches;
    private long reads;
    private long writes;
    private long flop;

    void add(Count other) {
      calls += other.calls;
      nanos += other.nanos;
      launches += other.launches;
      reads += other.reads;
      writes += other.writes;
      flop += other.flop;
    }

    Row row(String operation, String operands) {
      return new Row(operation, operands, calls, nanos / 1e9, launches, reads, writes, flop);
    }
  }

  private record Signature(String operation, String operands) {}

  private final Device device;
  private final Map<Signature, Count> counts =
      new TreeMap<>(Comparator.comparing(Signature::operation).thenComparing(Signature::operands));

  private Profile(Device watched) {
    Backend backend =
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) ->
                    call(watched.plainBackend(), (Backend) proxy, method, arguments));
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
    Map<String, Count> sums = new TreeMap<>();
    counts.forEach(
        (signature, count) ->
            sums.computeIfAbsent(signature.operation, _ -> new Count()).add(count));
    return sums.entrySet().stream()
        .map(e -> e.getValue().row(e.getKey(), ""))
        .sorted(Comparator.comparingDouble(Row::seconds).reversed())
        .toList();
  }

  /** One row for each operation and operands, the longest first. */
  public List<Row> signatures() {
    return counts.entrySet().stream()
        .map(e -> e.getValue().row(e.getKey().operation, e.getKey().operands))
        .sorted(Comparator.comparingDouble(Row::seconds).reversed())
        .toList();
  }

  private Object call(Backend backend, Backend proxy, Method method, Object[] arguments)
      throws Throwable {
    Method own = backend.getClass().getMethod(method.getName(), method.getParameterTypes());
    if (method.getReturnType() == Range.class) {
      return backend.range((String) arguments[0]); // a name for what is counted
    }
    if (own.isDefault() && arguments != null && method.getReturnType() == void.class) {
      // It is made of others, and each of them is counted.
      return InvocationHandler.invokeDefault(proxy, method, arguments);
    }
    Traffic traffic = Traffic.of(method.getName(), arguments);
    long launched = backend.launches();
    long begin = System.nanoTime();
    try {
      return method.invoke(backend, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    } finally {
      Count count =
          counts.computeIfAbsent(
              new Signature(method.getName(), operands(arguments)), _ -> new Count());
      count.calls++;
      count.nanos += System.nanoTime() - begin;
      long together = backend.launches() - launched;
      count.launches += together;
      count.reads += traffic.reads() + (together > 1 ? traffic.again() : 0);
      count.writes += traffic.writes();
      count.flop += traffic.flop();
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
