package nacre.tensor;

import nacre.tensor.backend.Backend;
import nacre.tensor.cpu.CpuBackend;
import nacre.tensor.reference.ReferenceBackend;

/** Where tensors lie and operations run. */
public final class Device {
  private final String name;
  private final Backend backend;

  Device(String name, Backend backend) {
    this.name = name;
    this.backend = backend;
  }

  private static final class Cpu {
    static final Device DEVICE = new Device("cpu", CpuBackend.create());
  }

  private static final class Reference {
    static final Device DEVICE = new Device("reference", new ReferenceBackend());
  }

  /** The processor: oneDNN and vectorised Java loops, or plain Java where oneDNN does not load. */
  public static Device cpu() {
    return Cpu.DEVICE;
  }

  /** The processor again, with plain, slow Java for every operation: the oracle of the tests. */
  public static Device reference() {
    return Reference.DEVICE;
  }

  /**
   * The device of a name as the command line takes it.
   *
   * @throws IllegalArgumentException if there is no such device
   */
  public static Device of(String name) {
    return switch (name) {
      case "auto", "cpu" -> cpu();
      case "reference" -> reference();
      default ->
          throw new IllegalArgumentException(
              "device: no device '" + name + "'; known are auto, cpu, reference");
    };
  }

  /** The backend that computes here. */
  public Backend backend() {
    return backend;
  }

  /** Whether the device's memory is the host's. */
  public boolean isHost() {
    return true;
  }

  @Override
  public String toString() {
    return name;
  }
}
