package nacre.tensor.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import nacre.tensor.DeviceMemoryException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HostAllocatorTest {
  private final HostAllocator allocator = new HostAllocator();

  @AfterEach
  void givesEverythingBack() {
    assertEquals(0, allocator.usedBytes());
    allocator.trim();
    assertEquals(0, allocator.heldBytes());
    assertEquals(0, allocator.cachedBytes());
  }

  @Test
  void classesGrowByAQuarterOfAPowerOfTwoAtMost() {
    int previous = 0;
    for (long bytes = 0; bytes < 1 << 20; bytes += bytes < 5000 ? 1 : 61) {
      int c = HostAllocator.sizeClass(bytes);
      assertTrue(c == previous || c == previous + 1, "a class is skipped before " + bytes);
      assertTrue(HostAllocator.classBytes(c) >= bytes);
      assertTrue(c == 0 || HostAllocator.classBytes(c - 1) < bytes, "not the smallest: " + bytes);
      assertTrue(
          HostAllocator.classBytes(c) <= Math.max(bytes + 64, bytes + bytes / 4), "" + bytes);
      previous = c;
    }
    assertEquals(1L << 40, HostAllocator.classBytes(HostAllocator.sizeClass(1L << 40)));
  }

  @Test
  void blocksAreAlignedAndTheirOwn() {
    long[] sizes = {0, 1, 64, 65, 300, 4097, 1 << 20, (1 << 20) + 1, 4 << 20, 5 << 20};
    long[] addresses = new long[sizes.length];
    for (int i = 0; i < sizes.length; i++) {
      addresses[i] = allocator.allocate(sizes[i]);
      long alignment = sizes[i] >= 4 << 20 ? 2 << 20 : sizes[i] >= 1 << 20 ? 4096 : 64;
      assertEquals(0, addresses[i] % alignment, sizes[i] + " bytes");
      bytes(addresses[i], sizes[i]).fill((byte) i);
    }
    for (int i = 0; i < sizes.length; i++) {
      MemorySegment block = bytes(addresses[i], sizes[i]);
      assertEquals(-1, block.mismatch(MemorySegment.ofArray(filled((int) sizes[i], (byte) i))));
      allocator.free(addresses[i], sizes[i]);
    }
  }

  @Test
  void aFreedBlockServesTheNextOfItsClass() {
    long a = allocator.allocate(1000);
    long held = allocator.heldBytes();
    allocator.free(a, 1000);
    assertEquals(held, allocator.cachedBytes());
    long b = allocator.allocate(950);
    assertEquals(a, b);
    assertEquals(held, allocator.heldBytes());
    allocator.free(b, 950);
  }

  @Test
  void workOfEverNewSizesDoesNotPileUpBlocks() {
    long most = 0;
    for (int i = 0; i < 40; i++) {
      // One size class after another; untouched memory costs the system nothing.
      long size = HostAllocator.classBytes(HostAllocator.sizeClass(64L << 20) + i % 8);
      long block = allocator.allocate(size);
      most = Math.max(most, size);
      allocator.free(block, size);
      assertTrue(
          allocator.heldBytes() <= most + (256L << 20), allocator.heldBytes() + " for " + most);
    }
  }

  @Test
  void theClassThatNobodyAsksForGoesFirst() {
    long half = 128L << 20;
    long quarter = 64L << 20;
    long[] blocks = new long[2];
    for (int i = 0; i < 2; i++) {
      blocks[i] = allocator.allocate(half);
    }
    for (int i = 0; i < 2; i++) {
      allocator.free(blocks[i], half);
    }
    long other = allocator.allocate(quarter);
    allocator.free(other, quarter);
    long[] many = new long[4];
    for (int i = 0; i < 4; i++) {
      many[i] = allocator.allocate(160L << 20);
    }
    // 640 MiB in use and 256 to spare do not leave room for the two blocks of 128 and the one of
    // 64.
    assertEquals((640L + 128 + 64) << 20, allocator.heldBytes());
    assertEquals(other, allocator.allocate(quarter));
    allocator.free(other, quarter);
    for (long block : many) {
      allocator.free(block, 160L << 20);
    }
  }

  @Test
  void manyThreadsNeverShareABlock() throws Exception {
    List<Callable<Boolean>> tasks = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      byte mark = (byte) (t + 1);
      tasks.add(() -> churn(mark));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (Future<Boolean> done : threads.invokeAll(tasks)) {
        assertTrue(done.get());
      }
    }
  }

  private boolean churn(byte mark) {
    Random random = new Random(mark);
    for (int i = 0; i < 2000; i++) {
      int size = 1 + random.nextInt(2000);
      long address = allocator.allocate(size);
      bytes(address, size).fill(mark);
      Thread.onSpinWait();
      if (bytes(address, size).mismatch(MemorySegment.ofArray(filled(size, mark))) != -1) {
        return false;
      }
      allocator.free(address, size);
    }
    return true;
  }

  @Test
  void askingForTooMuchSaysHowMuch() {
    DeviceMemoryException e =
        assertThrows(DeviceMemoryException.class, () -> allocator.allocate(1L << 60));
    assertTrue(e.getMessage().contains("" + (1L << 60)), e.getMessage());
  }

  private static byte[] filled(int size, byte value) {
    byte[] bytes = new byte[size];
    Arrays.fill(bytes, value);
    return bytes;
  }

  @SuppressWarnings("restricted")
  private static MemorySegment bytes(long address, long size) {
    return MemorySegment.ofAddress(address).reinterpret(size);
  }
}
