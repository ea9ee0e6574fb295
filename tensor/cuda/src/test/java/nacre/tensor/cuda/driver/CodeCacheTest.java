package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("cuda")
class CodeCacheTest {
  private static final byte[] CODE = {1, 2, 3, 4, 5, 6, 7, 8};

  @TempDir Path folder;

  private int compiled;

  private byte[] get(Path file) {
    return CodeCache.get(
        file,
        code -> code,
        () -> {
          compiled++;
          return CODE.clone();
        });
  }

  private void damaged(Path file, byte[] bytes) throws IOException {
    Files.write(file, bytes);
    int before = compiled;
    assertArrayEquals(CODE, get(file));
    assertEquals(before + 1, compiled, "damaged code was taken: " + Arrays.toString(bytes));
    assertArrayEquals(CODE, get(file));
    assertEquals(before + 1, compiled, "damaged code stayed");
  }

  @Test
  void codeIsCompiledOnceAndAgainWhereItWasDamaged() throws IOException {
    Path file = folder.resolve("kernels").resolve("a.cubin");
    assertArrayEquals(CODE, get(file));
    assertArrayEquals(CODE, get(file));
    assertEquals(1, compiled);
    byte[] whole = Files.readAllBytes(file);
    for (int length : List.of(0, 1, 31, 32, 33, whole.length - 1)) {
      damaged(file, Arrays.copyOf(whole, length));
    }
    damaged(file, Arrays.copyOf(whole, whole.length + 1));
    for (int at : List.of(0, 31, 32, whole.length - 1)) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 1;
      damaged(file, flipped);
    }
    damaged(file, CODE); // as it lay there before there were digests
  }

  /** As after a change of the driver: what is whole, but does not load, is made anew. */
  @Test
  void codeThatDoesNotLoadIsCompiledAgain() throws IOException {
    Path file = folder.resolve("a.cubin");
    get(file);
    byte[] loaded =
        CodeCache.get(
            file,
            code -> {
              if (Arrays.equals(code, CODE)) {
                throw new CudaException("cuModuleLoadDataEx: no binary for this GPU");
              }
              return code;
            },
            () -> new byte[] {9});
    assertArrayEquals(new byte[] {9}, loaded);
    assertArrayEquals(new byte[] {9}, get(file), "the old code was kept");
  }

  @Test
  void whatDoesNotLoadFreshlyCompiledIsAnErrorAndIsNotKept() {
    Path file = folder.resolve("a.cubin");
    assertThrows(
        CudaException.class,
        () ->
            CodeCache.get(
                file,
                code -> {
                  throw new CudaException("cuModuleLoadDataEx: out of memory");
                },
                CODE::clone));
    assertFalse(Files.exists(file));
  }

  @Test
  void aCacheThatCannotBeUsedIsDoneWithout() throws IOException {
    Path inTheWay = Files.writeString(folder.resolve("file"), "no folder");
    assertArrayEquals(CODE, get(inTheWay.resolve("a.cubin")));
    Path directory = Files.createDirectory(folder.resolve("b.cubin"));
    Files.writeString(directory.resolve("x"), "not empty");
    assertArrayEquals(CODE, get(directory));
    assertEquals(2, compiled);
  }
}
