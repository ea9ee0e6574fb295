package nacre.tensor.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.Writes;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.HostAllocator;

/**
 * One call of a backend's method on random operands. It is made on the plain backend and on the
 * device under test with the same bits in, and what comes out is compared. Outputs are poisoned, so
 * that an element left unwritten shows as NaN.
 */
final class OracleCase {
  /** What is called, with the operands in the order in which they were named. */
  interface Call {
    void on(Backend backend, Tensor[] operands);
  }

  private record Operand(DType dtype, Shape shape, Values values, boolean output) {}

  private final String method;
  private final String label;
  private final List<Operand> operands = new ArrayList<>();
  private Call call;
  private double loosened = 1;
  private boolean exact;
  private boolean mayBeNonFinite;

  private OracleCase(String method, String label) {
    this.method = method;
    this.label = label;
  }

  static OracleCase of(String method, Object... label) {
    StringBuilder text = new StringBuilder();
    for (Object part : label) {
      text.append(text.isEmpty() ? "" : " ").append(part);
    }
    return new OracleCase(method, text.toString());
  }

  OracleCase in(DType dtype, Values values, int... dims) {
    operands.add(new Operand(dtype, Shape.of(dims), values, false));
    return this;
  }

  OracleCase in(DType dtype, int... dims) {
    return in(dtype, Values.normal(), dims);
  }

  OracleCase out(DType dtype, int... dims) {
    operands.add(new Operand(dtype, Shape.of(dims), null, true));
    return this;
  }

  /** An operand that is read and written. */
  OracleCase inOut(DType dtype, Values values, int... dims) {
    operands.add(new Operand(dtype, Shape.of(dims), values, true));
    return this;
  }

  OracleCase call(Call call) {
    this.call = call;
    return this;
  }

  /** Allows so many times the usual error, for what amplifies the rounding of its inputs. */
  OracleCase loosen(double times) {
    loosened = times;
    return this;
  }

  /** Wants the same bits. */
  OracleCase exact() {
    exact = true;
    return this;
  }

  /** Infinities and NaN are right answers here. */
  OracleCase mayBeNonFinite() {
    mayBeNonFinite = true;
    return this;
  }

  String method() {
    return method;
  }

  @Override
  public String toString() {
    return method + " " + label;
  }

  /** Runs on the devices and compares with the plain backend. */
  void check(List<Device> devices) {
    List<byte[]> expected = run(Device.reference(), false);
    for (Device device : devices) {
      check(device, expected);
    }
  }

  private void check(Device device, List<byte[]> expected) {
    List<byte[]> actual = run(device, false);
    List<byte[]> again = run(device, false);
    for (int i = 0; i < actual.size(); i++) {
      if (operands.get(i).output) {
        assertArrayEquals(
            actual.get(i),
            again.get(i),
            device + ": " + this + ": gave other bits the second time");
      }
    }
    compare(device.toString(), expected, actual);
    if (packs()) {
      compare(device + ", prepacked", expected, run(device, true));
    }
  }

  /** Whether a device may keep an operand of this method in a layout of its own. */
  private boolean packs() {
    return Set.of("matmul", "linear", "linearGeglu", "upsampleConv2d").contains(method)
        || method.startsWith("conv2d");
  }

  private void compare(String device, List<byte[]> expected, List<byte[]> actual) {
    for (int i = 0; i < actual.size(); i++) {
      Operand operand = operands.get(i);
      if (!operand.output) {
        assertArrayEquals(
            expected.get(i), actual.get(i), device + ": " + this + ": wrote its input " + i);
        continue;
      }
      String what = device + ": " + this + ": output " + operand.dtype + operand.shape;
      double[] want = HostBits.decode(expected.get(i), operand.dtype);
      double[] got = HostBits.decode(actual.get(i), operand.dtype);
      for (int j = 0; j < want.length && !mayBeNonFinite; j++) {
        assertTrue(Double.isFinite(want[j]), what + ": the plain backend gave " + want[j]);
      }
      if (exact || !operand.dtype.isFloating()) {
        assertArrayEquals(want, got, what);
      } else {
        compare(what, want, got, tolerance(operand.dtype) * loosened);
      }
    }
  }

  private static double tolerance(DType dtype) {
    return switch (dtype) {
      case F32 -> 1e-5;
      case BF16 -> 1e-2;
      case F16 -> 2e-3;
      case I32, I64, U8 -> 0;
    };
  }

  /** The whole within the tolerance in norm, and no element further off than ten times that. */
  private static void compare(String what, double[] want, double[] got, double tolerance) {
    double off = 0;
    double norm = 0;
    for (int i = 0; i < want.length; i++) {
      off += (got[i] - want[i]) * (got[i] - want[i]);
      norm += want[i] * want[i];
    }
    double rms = Math.sqrt(norm / want.length);
    for (int i = 0; i < want.length; i++) {
      double allowed = 10 * tolerance * (Math.abs(want[i]) + rms) + Double.MIN_NORMAL;
      if (!(Math.abs(got[i] - want[i]) <= allowed)) {
        fail(what + ": element " + i + " is " + got[i] + ", should be " + want[i]);
      }
    }
    double error = Math.sqrt(off) / (Math.sqrt(norm) + Double.MIN_NORMAL);
    assertTrue(error <= tolerance, what + ": relative error " + error + " above " + tolerance);
  }

  private List<byte[]> run(Device device, boolean prepacked) {
    List<byte[]> results = new ArrayList<>();
    Set<String> called = new HashSet<>();
    long live = Memory.liveTensors();
    long used = usedBytes(device);
    try (Scope _ = Scope.open()) {
      Tensor[] tensors = new Tensor[operands.size()];
      for (int i = 0; i < tensors.length; i++) {
        Operand operand = operands.get(i);
        tensors[i] = Tensor.empty(device, operand.dtype, operand.shape);
        if (operand.values == null) {
          device.backend().poison(tensors[i]);
        } else {
          byte[] bytes = HostBits.encode(numbers(operand, i), operand.dtype);
          device.backend().upload(MemorySegment.ofArray(bytes), tensors[i]);
        }
        if (prepacked && !operand.output) {
          tensors[i].prepack();
        }
      }
      int[] before = Stream.of(tensors).mapToInt(Writes::of).toArray();
      call.on(listening(device.backend(), called), tensors);
      for (int i = 0; i < tensors.length; i++) {
        assertEquals(
            operands.get(i).output,
            Writes.of(tensors[i]) > before[i],
            device + ": " + this + ": what was noted of writes to operand " + i);
      }
      for (Tensor tensor : tensors) {
        byte[] bytes = new byte[(int) tensor.bytes()];
        device.backend().download(tensor, MemorySegment.ofArray(bytes));
        results.add(bytes);
      }
    }
    assertEquals(live, Memory.liveTensors(), device + ": " + this + ": left tensors behind");
    assertEquals(used, usedBytes(device), device + ": " + this + ": left buffers behind");
    assertTrue(called.contains(method), this + ": the case does not call its method");
    return results;
  }

  /** What was taken from the allocator and not given back, buffers that are no tensors included. */
  private static long usedBytes(Device device) {
    return device.backend().allocator() instanceof HostAllocator host ? host.usedBytes() : 0;
  }

  private double[] numbers(Operand operand, int index) {
    Random random = new Random(toString().hashCode() * 31L + index);
    double[] numbers = new double[(int) operand.shape.elements()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = operand.values.next(random, i);
    }
    return numbers;
  }

  /** The same backend, which notes what is called. */
  private static Backend listening(Backend backend, Set<String> called) {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, invoked, arguments) -> {
              called.add(invoked.getName());
              try {
                return invoked.invoke(backend, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
