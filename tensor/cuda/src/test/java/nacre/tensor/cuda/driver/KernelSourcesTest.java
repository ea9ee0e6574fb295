package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import nacre.tensor.cuda.OwnProcess;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernels' sources, and what NVIDIA's own compiler says of them where there is one. */
@Tag("cuda")
class KernelSourcesTest {

  @Test
  void theJarCarriesEverySource() throws IOException {
    assertTrue(CompiledSources.names().size() > 5);
    for (String name : CompiledSources.names()) {
      String resource = "/nacre/tensor/cuda/kernels/" + name + ".cu";
      assertTrue(KernelCompiler.class.getResource(resource) != null, resource);
    }
  }

  @Test
  void everySourceCompilesWithoutAWarning() throws IOException, InterruptedException {
    String folders = System.getProperty("nacre.cuda.libs");
    String said =
        folders == null
            ? OwnProcess.run(CompiledSources.class)
            : OwnProcess.run(CompiledSources.class, "-Dnacre.cuda.libs=" + folders);
    assumeTrue(said.startsWith("NVRTC\n"), said);
    assertEquals("NVRTC\n", said);
  }
}
