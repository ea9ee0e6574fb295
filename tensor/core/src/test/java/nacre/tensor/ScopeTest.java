package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.HostAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ScopeTest {
  private static final Device DEVICE = Device.reference();

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
    assertThrows(IllegalStateException.class, Scope::current, "a scope was left open");
  }

  private static Tensor ones(int n) {
    return Tensor.full(DEVICE, DType.F32, Shape.of(n), 1);
  }

  @Test
  void closingFreesWhatWasBornInside() {
    try (Scope _ = Scope.open()) {
      Tensor outer = ones(10);
      assertEquals(1, Memory.liveTensors());
      assertEquals(40, Memory.liveBytes());
      try (Scope _ = Scope.open()) {
        ones(100);
        assertEquals(2, Memory.liveTensors());
        assertEquals(440, Memory.liveBytes());
      }
      assertEquals(40, Memory.liveBytes());
      assertEquals(1, outer.get(9));
    }
  }

  @Test
  void tensorsCloseEarlyInAnyOrder() {
    try (Scope scope = Scope.open()) {
      Tensor[] t = new Tensor[5];
      for (int i = 0; i < t.length; i++) {
        t[i] = Tensor.full(DEVICE, DType.F32, Shape.of(1), i);
      }
      t[1].close();
      t[4].close();
      try (Scope _ = Scope.open()) {
        Scope.current().adopt(t[0]);
        Scope.current().keep(t[0]);
      }
      t[3].close();
      assertEquals(2, Memory.liveTensors());
      assertEquals(0, t[0].get(0));
      assertEquals(2, t[2].get(0));
      t[2].close();
      t[0].close();
      assertEquals(0, Memory.liveTensors());
      assertSame(scope, Scope.current());
    }
  }

  @Test
  void anotherThreadMayNotCloseATensor() {
    try (Scope _ = Scope.open()) {
      Tensor x = ones(2);
      Throwable refused =
          CompletableFuture.supplyAsync(() -> assertThrows(IllegalStateException.class, x::close))
              .join();
      assertTrue(refused.getMessage().contains("used by"), refused.getMessage());
      assertEquals(1, x.get(1));
    }
  }

  @Test
  void whatIsHandedOnOutlivesItsScope() {
    try (Scope _ = Scope.open()) {
      Tensor kept;
      try (Scope middle = Scope.open()) {
        Tensor lost;
        try (Scope inner = Scope.open()) {
          kept = middle.keep(inner.keep(ones(3)));
          lost = ones(3);
        }
        assertThrows(IllegalStateException.class, lost::toFloats);
      }
      assertArrayEquals(new float[] {1, 1, 1}, kept.toFloats());
      assertEquals(1, Memory.liveTensors());
    }
  }

  @Test
  void handingNeverShortensALife() {
    try (Scope _ = Scope.open()) {
      Tensor parameter = ones(3);
      try (Scope _ = Scope.open()) {
        try (Scope inner = Scope.open()) {
          assertSame(parameter, inner.keep(parameter));
        }
      }
      assertEquals(1, parameter.get(0));
    }
  }

  @Test
  void aScopeAdoptsFromAnyOther() {
    try (Scope outer = Scope.open()) {
      Tensor kept;
      try (Scope _ = Scope.open()) {
        kept = outer.adopt(ones(2));
      }
      assertEquals(1, kept.get(1));
      try (Scope inner = Scope.open()) {
        inner.adopt(kept);
      }
      assertThrows(IllegalStateException.class, () -> kept.get(1));
    }
  }

  @Test
  void misuseIsNamed() {
    IllegalStateException none = assertThrows(IllegalStateException.class, () -> ones(1));
    assertTrue(none.getMessage().contains("Scope.open()"), none.getMessage());
    Scope outer = Scope.open();
    Tensor x = ones(1);
    assertThrows(IllegalStateException.class, () -> outer.keep(x));
    Scope inner = Scope.open();
    IllegalStateException order = assertThrows(IllegalStateException.class, outer::close);
    assertTrue(order.getMessage().contains("inner scope"), order.getMessage());
    inner.close();
    inner.close();
    assertThrows(IllegalStateException.class, () -> inner.adopt(x));
    x.close();
    assertThrows(IllegalStateException.class, () -> outer.adopt(x));
    outer.close();
  }

  @Test
  void anotherThreadCannotUseAScope() {
    try (Scope scope = Scope.open()) {
      Tensor x = ones(1);
      CompletableFuture<String> message =
          CompletableFuture.supplyAsync(
              () -> assertThrows(IllegalStateException.class, () -> scope.adopt(x)).getMessage());
      assertTrue(message.join().contains(Thread.currentThread().getName()));
    }
  }

  @Test
  void closingEarlyFreesOnce() {
    try (Scope _ = Scope.open()) {
      Tensor x = ones(4);
      ones(4);
      x.close();
      assertEquals(1, Memory.liveTensors());
      x.close();
      assertEquals(1, Memory.liveTensors());
    }
  }

  @Test
  void aFailureInsideFreesAsWell() {
    assertThrows(
        ArithmeticException.class,
        () -> {
          try (Scope _ = Scope.open()) {
            ones(5);
            throw new ArithmeticException();
          }
        });
  }

  /** A device whose memory cannot be given back: a GPU after an error. */
  @Test
  void whatCannotBeFreedKeepsNothingElseFromIt() {
    HostAllocator real = new HostAllocator();
    Allocator allocator =
        new Allocator() {
          @Override
          public long allocate(long bytes) {
            return real.allocate(bytes);
          }

          @Override
          public void free(long address, long bytes) {
            real.free(address, bytes);
            if (bytes >= 400) {
              throw new IllegalStateException(bytes + " bytes are stuck");
            }
          }

          @Override
          public void trim() {
            real.trim();
          }
        };
    Device device = TestDevices.over("sticky", TestDevices.with(allocator));
    Scope scope = Scope.open();
    for (int n : new int[] {100, 10, 200, 20}) {
      Tensor.empty(device, DType.F32, Shape.of(n));
    }
    IllegalStateException e = assertThrows(IllegalStateException.class, scope::close);
    assertEquals("400 bytes are stuck", e.getMessage());
    assertEquals("800 bytes are stuck", e.getSuppressed()[0].getMessage());
    assertEquals(1, e.getSuppressed().length);
    assertEquals(0, real.usedBytes());
    scope.close(); // is closed
  }

  @Test
  void tidyKeepsTheResultAndFreesTheRest() {
    try (Scope _ = Scope.open()) {
      Tensor kept =
          Scope.tidy(
              () -> {
                ones(5);
                return ones(3);
              });
      assertArrayEquals(new float[] {1, 1, 1}, kept.toFloats());
      assertEquals(1, Memory.liveTensors());
      assertSame(kept, Scope.tidy(() -> kept));
      assertEquals(1, kept.get(0));
      kept.close();
      assertEquals(0, Memory.liveTensors());
    }
  }

  private record Pair(Tensor left, List<Tensor> right, Shape shape, int count) {}

  @Test
  void tidyFindsTensorsInWhateverHoldsThem() {
    try (Scope _ = Scope.open()) {
      keeps(2, () -> new Tensor[] {ones(1), ones(2)});
      keeps(2, () -> List.of(ones(1), ones(2)));
      keeps(1, () -> Map.of("x", ones(1)));
      keeps(1, () -> Map.of(ones(1), "x"));
      keeps(1, () -> List.of(ones(1), Path.of("one-name"))); // a path holds itself
      keeps(1, () -> Optional.of(ones(1)));
      keeps(3, () -> new Pair(ones(1), List.of(ones(2), ones(3)), Shape.of(1), 7));
      keeps(1, () -> new Pair(ones(1), null, null, 7));
      keeps(0, () -> null);
      keeps(0, () -> ones(2).get(1));
      keeps(0, () -> ones(2).toFloats());
      keeps(0, () -> ones(2).dtype());
      keeps(0, () -> "text");
    }
  }

  private static void keeps(int tensors, Supplier<Object> made) {
    try (Scope _ = Scope.open()) {
      Scope.tidy(
          () -> {
            ones(9);
            return made.get();
          });
      assertEquals(tensors, Memory.liveTensors());
    }
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void tidyRefusesWhatMightHideTensors() {
    try (Scope _ = Scope.open()) {
      Exception e =
          assertThrows(
              IllegalArgumentException.class,
              () -> Scope.tidy(() -> new AtomicReference<>(ones(1))));
      assertEquals(
          "tidy: cannot look into java.util.concurrent.atomic.AtomicReference for tensors to keep;"
              + " return the tensors themselves, or keep() them in a scope that you open",
          e.getMessage());
      assertThrows(
          ArithmeticException.class,
          () ->
              Scope.tidy(
                  () -> {
                    ones(1);
                    throw new ArithmeticException();
                  }));
      assertEquals(0, Memory.liveTensors());
      Tensor made = ones(1);
      assertThrows(
          IllegalStateException.class,
          () ->
              Scope.tidy(
                  () -> {
                    Tensor closed = ones(1);
                    closed.close();
                    return closed;
                  }));
      assertEquals(1, made.get(0));
    }
  }

  @Test
  void freeLeavesOthersTensorsAlone() {
    try (Scope outer = Scope.open()) {
      Tensor theirs = ones(1);
      try (Scope inner = Scope.open()) {
        Tensor mine = ones(2);
        inner.free(theirs);
        inner.free(mine);
        assertEquals(1, Memory.liveTensors());
        assertEquals(1, theirs.get(0));
      }
      outer.free(theirs);
      assertEquals(0, Memory.liveTensors());
    }
  }

  @Test
  void aDetachedScopeOutlivesTheScopesAroundItsWork() {
    Scope detached = Scope.detached();
    Tensor x;
    try (Scope outer = Scope.open()) {
      x =
          detached.within(
              () -> {
                Tensor born = ones(3);
                Scope.tidy(() -> ones(4)); // kept from an inner scope
                return born;
              });
      assertSame(outer, Scope.current());
      assertEquals(2, Memory.liveTensors());
      try (Scope inner = Scope.open()) {
        assertSame(x, inner.keep(x)); // stays where it is
      }
    }
    assertEquals(2, Memory.liveTensors());
    assertEquals(1, x.get(2));
    CompletableFuture.runAsync(detached::close).join();
    assertEquals(0, Memory.liveTensors());
    assertThrows(IllegalStateException.class, () -> detached.within(() -> ones(1)));
  }

  @Test
  void onlyDetachedScopesAreEnteredAndOnlyOnce() {
    try (Scope scope = Scope.open()) {
      assertThrows(IllegalStateException.class, () -> scope.within(() -> ones(1)));
    }
    try (Scope detached = Scope.detached()) {
      Runnable close = detached::close;
      detached.within(
          () -> {
            assertThrows(IllegalStateException.class, () -> detached.within(() -> ones(1)));
            assertThrows(IllegalStateException.class, close::run);
            return ones(1);
          });
      assertEquals(1, Memory.liveTensors());
      assertThrows(
          IllegalArgumentException.class,
          () ->
              detached.within(
                  () -> {
                    throw new IllegalArgumentException();
                  }));
      assertThrows(IllegalStateException.class, Scope::current);
    }
  }
}
