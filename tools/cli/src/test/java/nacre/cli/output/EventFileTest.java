package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import java.awt.image.BufferedImage;
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
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochSecond(1_700_000_000L), ZoneOffset.UTC);

  @TempDir Path folder;

  /** Goes down into messages by the numbers of fields, without any definition of them. */
  private static Field at(UnknownFieldSet message, int... path) throws IOException {
    UnknownFieldSet inside = message;
    for (int i = 0; i < path.length - 1; i++) {
      inside =
          UnknownFieldSet.parseFrom(inside.getField(path[i]).getLengthDelimitedList().getFirst());
    }
    return inside.getField(path[path.length - 1]);
  }

  private static String text(UnknownFieldSet message, int... path) throws IOException {
    return at(message, path).getLengthDelimitedList().getFirst().toStringUtf8();
  }

  /** Takes the records of a file apart, and checks their sums with a CRC of its own. */
  private static List<UnknownFieldSet> events(Path file) throws IOException {
    List<UnknownFieldSet> events = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining()) {
      byte[] length = new byte[8];
      in.get(length);
      assertEquals(masked(crc32c(length)), in.getInt());
      byte[] data =
          new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      in.get(data);
      assertEquals(masked(crc32c(data)), in.getInt());
      events.add(UnknownFieldSet.parseFrom(data));
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
    List<UnknownFieldSet> events = events(file);
    assertEquals(5, events.size());
    UnknownFieldSet version = events.get(0);
    assertEquals(
        List.of(Double.doubleToLongBits(1.7e9)), at(version, 1).getFixed64List()); // wall time
    assertEquals("brain.Event:2", text(version, 3));
    UnknownFieldSet start = events.get(1);
    assertEquals(List.of(301L), at(start, 2).getVarintList());
    assertEquals(List.of(1L), at(start, 7, 1).getVarintList());

    UnknownFieldSet scalar = events.get(2);
    assertEquals(List.of(301L), at(scalar, 2).getVarintList());
    assertEquals("train/loss", text(scalar, 5, 1, 1));
    assertEquals(List.of(Float.floatToIntBits(0.25f)), at(scalar, 5, 1, 2).getFixed32List());

    UnknownFieldSet image = events.get(3);
    assertEquals(List.of(5_000_000_000L), at(image, 2).getVarintList());
    assertEquals(List.of(16L), at(image, 5, 1, 4, 1).getVarintList());
    assertEquals(List.of(16L), at(image, 5, 1, 4, 2).getVarintList());
    assertEquals(List.of(3L), at(image, 5, 1, 4, 3).getVarintList());
    var png = at(image, 5, 1, 4, 4).getLengthDelimitedList().getFirst();
    BufferedImage read = ImageIO.read(png.newInput());
    assertArrayEquals(
        picture.getRGB(0, 0, 16, 16, null, 0, 16), read.getRGB(0, 0, 16, 16, null, 0, 16));

    UnknownFieldSet text = events.get(4);
    assertEquals(List.of(7L), at(text, 5, 1, 8, 1).getVarintList()); // strings
    assertEquals("", text(text, 5, 1, 8, 2)); // of no dimensions
    assertEquals("`batch` 32 · v", text(text, 5, 1, 8, 8));
    assertEquals("text", text(text, 5, 1, 9, 1, 1));
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
        Field step = at(events(sorted.get(start)).get(1), 2);
        assertEquals(start == 0 ? List.of() : List.of((long) start), step.getVarintList());
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
