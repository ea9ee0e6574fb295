package examples;

import java.io.IOException;
import java.nio.file.Path;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;

/** Prints what a safetensors file holds, with the first values: {@code FILE.safetensors}. */
public final class PrintSafetensors {
  public static void main(String[] args) throws IOException {
    try (SafeTensors file = SafeTensors.open(Path.of(args[0]));
        Scope _ = Scope.open()) {
      file.metadata().forEach((key, value) -> System.out.println(key + " = " + value));
      for (SafeTensors.Entry entry : file.entries().values()) {
        try (var tensor = entry.toTensor(Device.host(), DType.F32, Layout.SAME)) {
          System.out.println(entry.name() + " " + entry.type() + " " + tensor);
        }
      }
    }
  }
}
