package nacre.diffusion.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import nacre.tensor.Shape;

/**
 * A checkpoint of PyTorch Lightning of any size, as {@code torch.save} wrote before PyTorch 1.6,
 * whose tensors are a hole in it: they share one storage of bytes.
 */
final class HollowCheckpoint {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private long end;

  private HollowCheckpoint() {}

  /** Tensors of one byte an element under {@code state_dict}, and others beside it. */
  static void write(Path file, Map<String, Shape> tensors) throws IOException {
    HollowCheckpoint checkpoint = new HollowCheckpoint();
    checkpoint.latin("\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019.");
    checkpoint.latin("\u0080\u0002M\u00e9\u0003.\u0080\u0002}.\u0080\u0002}(");
    long elements = tensors.values().stream().mapToLong(Shape::elements).sum();
    checkpoint.text("callbacks");
    checkpoint.latin("}cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n}s");
    checkpoint.text("optimizer_states");
    checkpoint.latin("](");
    checkpoint.tensor(Shape.of(1), elements);
    checkpoint.end = 0;
    checkpoint.latin("e");
    checkpoint.text("state_dict");
    checkpoint.latin("}(");
    for (Map.Entry<String, Shape> tensor : tensors.entrySet()) {
      checkpoint.text(tensor.getKey());
      checkpoint.tensor(tensor.getValue(), elements);
    }
    checkpoint.latin("uu.\u0080\u0002](");
    checkpoint.text("0");
    checkpoint.latin("e.");
    ByteBuffer count = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    checkpoint.out.writeBytes(count.putLong(elements).array());
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(checkpoint.out.toByteArray()));
      channel.write(ByteBuffer.allocate(1), checkpoint.out.size() + elements - 1);
    }
  }

  private void tensor(Shape shape, long elements) {
    latin("ctorch._utils\n_rebuild_tensor_v2\n((");
    text("storage");
    latin("ctorch\nByteStorage\n");
    text("0");
    text("cpu");
    number(elements);
    latin("NtQ");
    number(end);
    latin("(");
    for (int axis = 0; axis < shape.rank(); axis++) {
      number(shape.dim(axis));
    }
    latin("t(");
    for (int axis = 0; axis < shape.rank(); axis++) {
      long stride = 1;
      for (int inner = axis + 1; inner < shape.rank(); inner++) {
        stride *= shape.dim(inner);
      }
      number(stride);
    }
    latin("t\u0089}tR");
    end += shape.elements();
  }

  private void number(long value) {
    ByteBuffer number = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
    out.writeBytes(number.put((byte) 0x8a).put((byte) 8).putLong(value).array());
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(5 + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    out.writeBytes(all.put((byte) 'X').putInt(bytes.length).put(bytes).array());
  }

  private void latin(String text) {
    out.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
  }
}
