package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who is told what when cuDNN does not serve. */
@Tag("cuda") // of this backend, which its build runs; it needs no GPU
class ExplanationTest {
  private final List<String> warnings = new ArrayList<>();
  private final Explanation explanation = new Explanation(warnings::add);

  @Test
  void muchWorkOfOurOwnKernelsIsWarnedOfOnce() {
    explanation.countOwn("attention", "bf16 [2, 64, 5, 64]", 1_000_000);
    assertEquals(List.of(), warnings);
    for (int i = 0; i < 3; i++) {
      explanation.countOwn("attention", "bf16 [2, 4096, 5, 64]", 40_000_000_000L);
    }
    explanation.countOwn("conv2d", "bf16 [2, 64, 64, 320]", 2_000_000_000);
    assertEquals(2, warnings.size(), warnings.toString());
    assertTrue(warnings.getFirst().startsWith("attention of bf16 [2, 4096, 5, 64]: cuDNN has no"));
  }
}
