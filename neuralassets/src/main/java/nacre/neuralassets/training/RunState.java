package nacre.neuralassets.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.weights.JsonFile;

/**
 * The state of a run. All randomness of a run is counter-based, so that seed and step are the whole
 * random state.
 *
 * @param step steps done
 * @param totalSteps length of the run; 0 while it has not been fixed, see {@code minutes}
 * @param minutes length of the run in minutes; 0 if its length was given in steps
 * @param seed of parameters, data and noise
 * @param elapsedSeconds of training so far, earlier starts included
 * @param data the data set, as {@code --data} names it; empty for rendered scenes
 * @param compute the type of the model's activations
 * @param unlogged the losses that no line of the log holds yet
 * @param heldOut the clips that the run does not train on, by their identities in the data set
 */
public record RunState(
    long step,
    long totalSteps,
    double minutes,
    long seed,
    double elapsedSeconds,
    String data,
    DType compute,
    LossSum unlogged,
    List<String> heldOut) {
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * The sum of the losses of some steps, so that a log of means goes on where it ended.
   *
   * @param steps their number
   */
  public record LossSum(double sum, int steps) {
    /** Nothing. */
    public static final LossSum NONE = new LossSum(0, 0);

    /** With the loss of one more step. */
    public LossSum plus(double loss) {
      return new LossSum(sum + loss, steps + 1);
    }
  }

  /** Copies the list. */
  public RunState {
    heldOut = List.copyOf(heldOut);
  }

  byte[] toJson() throws IOException {
    ObjectNode node =
        JSON.createObjectNode()
            .put("step", step)
            .put("total_steps", totalSteps)
            .put("minutes", minutes)
            .put("seed", seed)
            .put("elapsed_seconds", elapsedSeconds)
            .put("data", data)
            .put("compute", compute.toString())
            .put("unlogged_loss", unlogged.sum)
            .put("unlogged_steps", unlogged.steps);
    ArrayNode names = node.putArray("held_out");
    heldOut.forEach(names::add);
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(node);
  }

  static RunState read(Path file) throws IOException {
    JsonNode node;
    try {
      node = JSON.readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": is missing; the folder is no checkpoint", e);
    } catch (JsonProcessingException e) {
      throw new IOException(file + ": is not valid JSON: " + JsonFile.reason(e), e);
    }
    for (String key : new String[] {"step", "total_steps", "seed"}) {
      if (!node.path(key).isIntegralNumber()) {
        throw new IOException(file + ": \"" + key + "\" is missing or no whole number");
      }
    }
    List<String> heldOut = new ArrayList<>();
    node.path("held_out").forEach(name -> heldOut.add(name.asText()));
    return new RunState(
        node.get("step").longValue(),
        node.get("total_steps").longValue(),
        node.path("minutes").asDouble(),
        node.get("seed").longValue(),
        node.path("elapsed_seconds").asDouble(),
        node.path("data").asText(""),
        compute(file, node.path("compute").asText(DType.F32.toString())),
        new LossSum(node.path("unlogged_loss").asDouble(), node.path("unlogged_steps").asInt()),
        heldOut);
  }

  private static DType compute(Path file, String name) throws IOException {
    for (DType type : new DType[] {DType.F32, DType.BF16}) {
      if (type.toString().equals(name)) {
        return type;
      }
    }
    throw new IOException(file + ": \"compute\" is '" + name + "', f32 or bf16 is wanted");
  }
}
