package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochSecond(1_700_000_000L), ZoneOffset.UTC);

  @TempDir Path folder;

  /** A message read back: field numbers and what they hold, as Long, Float, Double or byte[]. */
  private static Map<Integer, List<Object>> parse(byte[] message) {
    Map<Integer, List<Object>> fields = new TreeMap<>();
    ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      long tag = varint(in);
      Object value =
          switch ((int) (tag & 7)) {
            case 0 -> varint(in);
            case 1 -> in.getDouble();
            case 2 -> {
              byte[] bytes = new byte[(int) varint(in)];
              in.get(bytes);
              yield bytes;
            }
            case 5 -> in.getFloat();
            default -> throw new AssertionError("wire type " + (tag & 7));
          };
      fields.computeIfAbsent((int) (tag >> 3), field -> new ArrayList<>()).add(value);
    }
    return fields;
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static Map<Integer, List<Object>> inside(Map<Integer, List<Object>> message, int field) {
    return parse((byte[]) message.get(field).getFirst());
  }

  private static String text(Map<Integer, List<Object>> message, int field) {
    return new String((byte[]) message.get(field).getFirst(), StandardCharsets.UTF_8);
  }

  /** Takes the records of a file apart, and checks their sums with a CRC of its own. */
  private static List<Map<Integer, List<Object>>> events(Path file) throws IOException {
    List<Map<Integer, List<Object>>> events = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      byte[] length = new byte[8];
      in.get(length);
      assertEquals(masked(crc32c(length)), in.getInt());
      byte[] data =
          new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      in.get(data);
      assertEquals(masked(crc32c(data)), in.getInt());
      events.add(parse(data));
    }
    return events;
  }

  private static int crc32c(byte[] bytes) {
    int crc = -1;
    for (byte next : bytes) {
      crc ^= next & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        crc = crc >>> 1 ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
      }
    }
    return ~crc;
  }

  private static int masked(int crc) {
    return (crc >>> 15 | crc << 17) + 0xa282ead8;
  }

  @Test
  void theSumIsTensorFlows() {
    // The check value of CRC-32C, from its definition in RFC 3720, masked.
    byte[] digits = "123456789".getBytes(StandardCharsets.US_ASCII);
    assertEquals(0xE3069283, crc32c(digits));
    assertEquals(masked(0xE3069283), EventFile.maskedCrc(digits, 0, digits.length));
  }

  @Test
  void whatIsLoggedCanBeReadBack() throws IOException {
    BufferedImage picture = Pictures.scene(16, 8);
    Path file;
    try (EventFile events = EventFile.create(folder.resolve("a").resolve("b"), 301, CLOCK)) {
      file = events.path();
      events.scalar("train/loss", 301, 0.25);
      events.image("sheet", 5_000_000_000L, picture);
      events.text("preset", 0, "`batch` 32 · v");
    }
    assertTrue(
        file.getFileName().toString().startsWith("events.out.tfevents.1700000000."),
        file.toString());
    List<Map<Integer, List<Object>>> events = events(file);
    assertEquals(5, events.size());
    assertEquals(1.7e9, events.get(0).get(1).getFirst());
    assertEquals("brain.Event:2", text(events.get(0), 3));
    assertEquals(301L, events.get(1).get(2).getFirst());
    assertEquals(1L, inside(events.get(1), 7).get(1).getFirst());

    assertEquals(301L, events.get(2).get(2).getFirst());
    Map<Integer, List<Object>> scalar = inside(inside(events.get(2), 5), 1);
    assertEquals("train/loss", text(scalar, 1));
    assertEquals(0.25f, scalar.get(2).getFirst());

    assertEquals(5_000_000_000L, events.get(3).get(2).getFirst());
    Map<Integer, List<Object>> image = inside(inside(inside(events.get(3), 5), 1), 4);
    assertEquals(List.of(16L), image.get(1));
    assertEquals(List.of(16L), image.get(2));
    assertEquals(List.of(3L), image.get(3));
    BufferedImage read = ImageIO.read(new ByteArrayInputStream((byte[]) image.get(4).getFirst()));
    assertArrayEquals(
        picture.getRGB(0, 0, 16, 16, null, 0, 16), read.getRGB(0, 0, 16, 16, null, 0, 16));

    Map<Integer, List<Object>> text = inside(inside(events.get(4), 5), 1);
    assertEquals("`batch` 32 · v", text(inside(text, 8), 8));
    assertEquals("text", text(inside(inside(text, 9), 1), 1));
  }

  @Test
  void everyStartHasAFileOfItsOwn() throws IOException {
    for (int start = 0; start < 3; start++) {
      EventFile.create(folder, start, CLOCK).close();
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> sorted = files.sorted().toList();
      assertEquals(3, sorted.size());
      for (int start = 0; start < 3; start++) {
        Map<Integer, List<Object>> session = events(sorted.get(start)).get(1);
        assertEquals((long) start, session.get(2).getFirst());
      }
    }
  }

  @Test
  void anEventIsInTheFileAtOnce() throws IOException {
    try (EventFile events = EventFile.create(folder, 0)) {
      events.scalars(7, Map.of("loss", 1.5));
      assertEquals(3, events(events.path()).size());
    }
  }
}
