package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Files of PyTorch that were tampered with: each is read to the end of every tensor, or refused in
 * one line, in little time and memory. {@code -Dnacre.fuzz=N} tries N of them.
 */
class TorchFuzzTest {
  private static final int FILES = Integer.getInteger("nacre.fuzz", 30_000);
  private static final Path PATH = Path.of("fuzzed");

  /** More than a small file may take; the machine may be busy. */
  private static final Duration LONGEST = Duration.ofSeconds(20);

  /** What pickles are made of, and what they must not be made of. */
  private static final List<byte[]> TOKENS =
      List.of(
              PickleText.TENSOR,
              PickleText.STORAGE,
              PickleText.global("os", "system"),
              PickleText.global("argparse", "Namespace"),
              PickleText.global("collections", "OrderedDict"),
              PickleText.global("torch.nn.parameter", "Parameter"),
              PickleText.global("torch", "FloatStorage"),
              PickleText.global("torch", "float8_e5m2"),
              PickleText.stacked("builtins", "eval"),
              PickleText.text("model"),
              PickleText.text("state_dict"),
              PickleText.number(Long.MAX_VALUE),
              PickleText.number(-1),
              PickleText.number(1L << 31),
              PickleText.number(0),
              "X\u00ff\u00ff\u00ff\u007f",
              "\u008d" + PickleText.little(1L << 40, 8),
              "\u0096" + PickleText.little(1L << 40, 8),
              "\u0095" + PickleText.little(1L << 40, 8),
              "\u008b" + PickleText.little(1L << 31, 4),
              "h\u0000",
              "q\u0000",
              "j\u0001\u0000\u0000\u0000",
              "}",
              "]",
              ")",
              "(",
              "t",
              "l",
              "d",
              "u",
              "e",
              "s",
              "a",
              "R",
              "\u0081",
              "\u0092",
              "b",
              "o",
              "Q",
              "N",
              "2",
              "0",
              "1",
              ".",
              "\u0085",
              "\u0086",
              "\u0087",
              "\u008f",
              "\u0090",
              "\u0091",
              "\u0094",
              "\u0097",
              "\u0098")
          .stream()
          .map(token -> token.getBytes(StandardCharsets.ISO_8859_1))
          .toList();

  /** Numbers in fields of archives. */
  private static final long[] NUMBERS = {
    0, 1, -1, 2, 16, 0xffff, 0x10000, 0x7fffffff, 0x80000000L, 0xffffffffL, 1L << 40, Long.MIN_VALUE
  };

  private final Random random = new Random(11);

  private static byte[] seed(String name) throws IOException {
    return Files.readAllBytes(TorchFileTest.file(name));
  }

  @Test
  void eachIsReadOrRefused() throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    for (String name :
        new String[] {
          "types.pth",
          "types-legacy.pth",
          "big-endian.pth",
          "lightning.ckpt",
          "lightning-legacy.ckpt",
          "protocol-1.pt",
          "protocol-2.pt",
          "protocol-4-legacy.pt",
          "protocol-5.pt",
          "inversion.pt",
          "holders.pt",
          "module.pt",
          "list.pt"
        }) {
      seeds.add(seed(name));
    }
    seeds.add(ZipBytes.checkpoint(PickleText.beside("N")).bytes());
    seeds.add(ZipBytes.checkpoint(PickleText.beside("N")).bytes(true));
    int read = 0;
    int tensors = 0;
    long slowest = 0;
    long start = System.nanoTime();
    for (int i = 0; i < FILES; i++) {
      byte[] file = tampered(seeds.get(random.nextInt(seeds.size())));
      long began = System.nanoTime();
      int found = read(file, i);
      slowest = Math.max(slowest, System.nanoTime() - began);
      read += found > 0 ? 1 : 0;
      tensors += Math.max(found, 0);
    }
    System.out.printf(
        "%,d tampered files of PyTorch in %.1f s: %,d read with %,d tensors, %,d refused; the"
            + " slowest took %.3f s%n",
        FILES, (System.nanoTime() - start) * 1e-9, read, tensors, FILES - read, slowest * 1e-9);
    assertTrue(slowest < LONGEST.toNanos(), slowest + " ns");
    assertTrue(read > FILES / 50 && read < FILES * 9L / 10, read + " were read");
  }

  /** The number of tensors that were read to the end, or -1 if the file was refused. */
  private static int read(byte[] bytes, int number) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment file = MemorySegment.ofArray(bytes);
      if (!TorchFile.recognizes(file)) {
        return -1;
      }
      TorchFile torch = TorchFile.parse(PATH, file, arena, Optional.empty());
      for (SafeTensors.Entry entry : torch.entries().values()) {
        MemorySegment data = entry.data();
        assertEquals(entry.shape().elements() * entry.type().bytes(), data.byteSize());
        if (data.byteSize() > 0) {
          data.get(ValueLayout.JAVA_BYTE, 0);
          data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
        }
      }
      return torch.entries().size();
    } catch (WeightsException e) {
      String message = e.getMessage();
      assertTrue(message.startsWith("fuzzed: ") && message.length() < 6_000, message);
      assertTrue(message.indexOf('\n') < 0 && message.indexOf('\r') < 0, message);
      return -1;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw new AssertionError("file " + number, e);
    }
  }

  private byte[] tampered(byte[] seed) {
    byte[] bytes = seed.clone();
    int pickle = indexOf(bytes, new byte[] {(byte) 0x80}, 0); // in archives, where the first is
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      bytes = edited(bytes, pickle);
    }
    return bytes;
  }

  private byte[] edited(byte[] bytes, int pickle) {
    int span = Math.min(bytes.length - pickle, 2_500);
    int at = pickle + random.nextInt(Math.max(1, span));
    if (at >= bytes.length) {
      return bytes;
    }
    byte[] token = TOKENS.get(random.nextInt(TOKENS.size()));
    switch (random.nextInt(16)) {
      case 0, 1 -> bytes[at] = (byte) random.nextInt(256);
      case 2, 3 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 4, 5, 6 ->
          System.arraycopy(token, 0, bytes, at, Math.min(token.length, bytes.length - at));
      case 7, 8 -> {
        int from = pickle + random.nextInt(span);
        int length = Math.min(random.nextInt(60), bytes.length - Math.max(from, at));
        System.arraycopy(bytes.clone(), from, bytes, at, length);
      }
      case 9 -> bytes[at] = (byte) (bytes[at] + random.nextInt(3) - 1);
      case 10 -> {
        return Arrays.copyOf(bytes, random.nextInt(bytes.length + 30));
      }
      case 11 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      case 12, 13 -> directory(bytes);
      default -> {
        return spliced(bytes, at, token);
      }
    }
    return bytes;
  }

  /** Overwrites a field of a zip archive's records. */
  private void directory(byte[] bytes) {
    byte[] mark = {'P', 'K', (byte) (1 + 2 * random.nextInt(4)), 0};
    mark[3] = (byte) (mark[2] == 7 ? 6 + random.nextInt(3) : mark[2] + 1);
    mark[2] = mark[2] == 7 ? 6 : mark[2];
    int record = indexOf(bytes, mark, random.nextInt(bytes.length));
    int field = record + 4 + 2 * random.nextInt(26);
    if (field + 8 > bytes.length) {
      return;
    }
    ByteBuffer fields = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long number = NUMBERS[random.nextInt(NUMBERS.length)];
    switch (random.nextInt(3)) {
      case 0 -> fields.putShort(field, (short) number);
      case 1 -> fields.putInt(field, (int) number);
      default -> fields.putLong(field, number);
    }
  }

  private static int indexOf(byte[] bytes, byte[] part, int from) {
    for (int i = from; i <= bytes.length - part.length; i++) {
      if (Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    return 0;
  }

  /** Inserts an opcode; in an archive the next bytes make room, so that its records still fit. */
  private byte[] spliced(byte[] bytes, int at, byte[] token) {
    if (bytes[0] == 'P') {
      int room = Math.min(bytes.length - at - token.length, 40 + random.nextInt(200));
      if (room > 0) {
        System.arraycopy(bytes, at, bytes, at + token.length, room);
        System.arraycopy(token, 0, bytes, at, token.length);
      }
      return bytes;
    }
    byte[] longer = new byte[bytes.length + token.length];
    System.arraycopy(bytes, 0, longer, 0, at);
    System.arraycopy(token, 0, longer, at, token.length);
    System.arraycopy(bytes, at, longer, at + token.length, bytes.length - at);
    return longer;
  }
}
