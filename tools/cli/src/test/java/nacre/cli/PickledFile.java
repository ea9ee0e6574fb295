package nacre.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;

/** Weights of safetensors written as {@code torch.save} did before PyTorch 1.6, for tests. */
final class PickledFile {
  private PickledFile() {}

  /** Writes the tensors of a file to another; those whose names end so, or all. */
  static void write(Path safetensors, Path file, String ending) throws IOException {
    try (StateDict dict = StateDict.open(safetensors)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.writeBytes(latin("\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019."));
      out.writeBytes(latin("\u0080\u0002M\u00e9\u0003.\u0080\u0002}.\u0080\u0002}("));
      List<SafeTensors.Entry> written = new ArrayList<>();
      for (Map.Entry<String, SafeTensors.Entry> entry : dict.entries().entrySet()) {
        if (entry.getKey().endsWith(ending)) {
          out.writeBytes(text(entry.getKey()));
          out.writeBytes(tensor(entry.getValue(), written.size()));
          written.add(entry.getValue());
        }
      }
      out.writeBytes(latin("u.\u0080\u0002]("));
      for (int i = 0; i < written.size(); i++) {
        out.writeBytes(text("" + i));
      }
      out.writeBytes(latin("e."));
      for (SafeTensors.Entry entry : written) {
        ByteBuffer count = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        out.writeBytes(count.putLong(entry.shape().elements()).array());
        out.writeBytes(entry.data().toArray(ValueLayout.JAVA_BYTE));
      }
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.write(file, out.toByteArray());
    }
  }

  private static byte[] tensor(SafeTensors.Entry entry, int key) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin("ctorch._utils\n_rebuild_tensor_v2\n(("));
    out.writeBytes(text("storage"));
    String type =
        switch (entry.type()) {
          case F16 -> "Half";
          case F32 -> "Float";
          default -> throw new IllegalArgumentException(entry.type().toString());
        };
    out.writeBytes(latin("ctorch\n" + type + "Storage\n"));
    out.writeBytes(text("" + key));
    out.writeBytes(text("cpu"));
    out.writeBytes(number(entry.shape().elements()));
    out.writeBytes(latin("NtQK\u0000("));
    int[] dims = entry.shape().toArray();
    long[] strides = new long[dims.length];
    long step = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= dims[i];
    }
    for (int dim : dims) {
      out.writeBytes(number(dim));
    }
    out.writeBytes(latin("t("));
    for (long stride : strides) {
      out.writeBytes(number(stride));
    }
    out.writeBytes(latin("t\u0089ccollections\nOrderedDict\n)RtR"));
    return out.toByteArray();
  }

  private static byte[] number(long value) {
    ByteBuffer number = ByteBuffer.allocate(5).order(ByteOrder.LITTLE_ENDIAN);
    return number.put((byte) 'J').putInt(Math.toIntExact(value)).array();
  }

  private static byte[] text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(5 + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    return all.put((byte) 'X').putInt(bytes.length).put(bytes).array();
  }

  private static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
