package nacre.cli.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerConfig;
import org.junit.jupiter.api.Test;

/** What diffusers refuses of a scheduler's settings, or computes no numbers from, is refused. */
class RefusedSchedulersTest {
  private static final Path REFUSED = Path.of("src/test/resources/refused-schedulers.json");

  @Test
  void whatDiffusersRefusesIsRefused() throws IOException {
    JsonNode configs = new JsonMapper().readTree(REFUSED.toFile());
    assertTrue(configs.size() > 200);
    List<String> accepted = new ArrayList<>();
    for (JsonNode config : configs) {
      try {
        ObjectNode own = config.deepCopy();
        int steps = own.path("num_inference_steps").asInt(6);
        own.remove(List.of("num_inference_steps", "strength", "eta"));
        Scheduler.of(SchedulerConfig.of(own), steps);
        accepted.add(config.toString());
      } catch (IllegalArgumentException e) {
        assertTrue(e.getMessage().startsWith("scheduler: "), e.getMessage());
      }
    }
    assertEquals(List.of(), accepted);
  }
}
