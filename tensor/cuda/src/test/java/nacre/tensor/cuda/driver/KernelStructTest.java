package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("cuda")
class KernelStructTest {
  private static final KernelStruct STRUCT =
      new KernelStruct("S", List.of()).ints("rank", 1).ints("dims", 6).longs("at", 2).ints("n", 1);

  /** As the C++ compilers of all platforms that CUDA has place them. */
  @Test
  void fieldsLieAtMultiplesOfTheirWidth() {
    assertEquals(0, STRUCT.at("rank"));
    assertEquals(4, STRUCT.at("dims"));
    assertEquals(32, STRUCT.at("at"));
    assertEquals(48, STRUCT.at("n"));
    assertEquals(56, STRUCT.bytes());
    assertThrows(IllegalArgumentException.class, () -> STRUCT.at("other"));
  }

  /** Compilers refuse kernels whose structures they give another size. */
  @Test
  void theHeaderSaysHowLargeItIs() {
    String text = STRUCT.definition();
    assertTrue(text.contains("  i64 at[2];\n"), text);
    assertTrue(text.endsWith("};\nstatic_assert(sizeof(S) == 56, \"\");\n"), text);
    assertTrue(KernelConstants.header().contains(KernelConstants.BOX.definition()));
  }
}
