package nacre.datasets.tfrecord;

import static nacre.datasets.tfrecord.Records.field;
import static nacre.datasets.tfrecord.Records.floats;
import static nacre.datasets.tfrecord.Records.ints;
import static nacre.datasets.tfrecord.Records.join;
import static nacre.datasets.tfrecord.Records.strings;
import static nacre.datasets.tfrecord.Records.varint;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class FeatureTest {
  private static Feature feature(byte[] bytes) {
    return new Feature("f", bytes, "shard: record 2 at byte 77");
  }

  private static String fault(org.junit.jupiter.api.function.Executable read) {
    return assertThrows(RecordException.class, read).getMessage();
  }

  @Test
  void numbersArePackedOrNot() throws IOException {
    assertArrayEquals(new float[] {1.5f, -2}, feature(floats(1.5f, -2)).floats());
    assertArrayEquals(new long[] {-1, 300}, feature(ints(-1, 300)).ints());
    byte[] one = {0x0D, 0, 0, (byte) 0xC0, 0x3F}; // field 1, fixed32: 1.5
    assertArrayEquals(new float[] {1.5f, 1.5f}, feature(field(2, one, one)).floats());
    byte[] unpacked = join(new byte[] {8}, varint(5), new byte[] {8}, varint(-7));
    assertArrayEquals(new long[] {5, -7}, feature(field(3, unpacked)).ints());
    byte[] both = join(unpacked, field(1, varint(9), varint(10)));
    assertArrayEquals(new long[] {5, -7, 9, 10}, feature(field(3, both)).ints());
    byte[] packed = field(1, new byte[] {0, 0, 0, 0x40});
    assertArrayEquals(new float[] {1.5f, 2, 2}, feature(field(2, one, packed, packed)).floats());
  }

  @Test
  void emptyListsAreListsOfEveryType() throws IOException {
    for (byte[] empty : List.of(new byte[0], field(1), field(2), field(3), field(2, field(1)))) {
      assertEquals(0, feature(empty).floats().length);
    }
    assertEquals(0, feature(field(2)).ints().length);
    assertEquals(List.of("a", ""), feature(strings(new byte[] {'a'}, new byte[0])).texts());
  }

  @Test
  void aWrongTypeOrNumberIsNamed() {
    assertEquals(
        "shard: record 2 at byte 77: f holds integers instead of floats",
        fault(() -> feature(ints(1)).floats()));
    assertEquals(
        "shard: record 2 at byte 77: f holds floats instead of byte strings",
        fault(() -> feature(floats(1)).texts()));
    assertEquals(
        "shard: record 2 at byte 77: f has 3 values instead of 4",
        fault(() -> feature(floats(1, 2, 3)).floats(4)));
    assertEquals(
        "shard: record 2 at byte 77: f has 1 values instead of 0",
        fault(() -> feature(ints(1)).ints(0)));
  }

  @Test
  void lengthsThatLeadOutsideAreRefused() {
    byte[] long1 = join(varint(2 << 3 | 2), varint(1L << 30), new byte[8]);
    byte[] long2 = field(2, varint(1 << 3 | 2), varint(Integer.MAX_VALUE));
    byte[] odd = field(2, field(1, new byte[7]));
    byte[] endless = field(3, field(1, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}));
    for (byte[] bad : List.of(long1, long2, odd)) {
      String told = fault(() -> feature(bad).floats());
      assertEquals(
          "shard: record 2 at byte 77: f is damaged",
          told.substring(0, Math.min(40, told.length())));
    }
    fault(() -> feature(endless).ints());
    fault(() -> feature(field(1, varint(1 << 3 | 2), varint(99))).texts());
  }

  @Test
  void aMillionStringsAreTooMany() {
    byte[] many = new byte[2 * 200_000];
    for (int i = 0; i < many.length; i += 2) {
      many[i] = 1 << 3 | 2;
    }
    assertEquals(
        "shard: record 2 at byte 77: f has more than 100000 values",
        fault(() -> feature(field(1, many)).texts()));
  }
}
