package nacre.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;

/** A tiny model that draws latents of 8 by 8, with an autoencoder of random weights. */
final class LatentModel {
  private LatentModel() {}

  /**
   * The preset {@code tiny} with an autoencoder.
   *
   * @param size side of the images: 8 times a power of 2
   */
  static Preset preset(int size) {
    ObjectNode json;
    try {
      json = (ObjectNode) new JsonMapper().readTree(Preset.builtin("tiny").json());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    json.put("image_size", size).put("fold", 1);
    ((ObjectNode) json.get("unet")).put("in_channels", 8).put("out_channels", 4);
    ((ObjectNode) json.get("data")).put("flip_probability", 0.5).put("validation", 1);
    ObjectNode vae = json.putObject("vae");
    vae.put("norm_num_groups", 2).put("scaling_factor", 0.5).put("sample_size", size);
    ArrayNode channels = vae.putArray("block_out_channels");
    ArrayNode down = vae.putArray("down_block_types");
    ArrayNode up = vae.putArray("up_block_types");
    for (int side = size; side >= 8; side /= 2) {
      channels.add(4);
      down.add("DownEncoderBlock2D");
      up.add("UpDecoderBlock2D");
    }
    return Preset.of("latent", json.toString());
  }

  /**
   * Writes a run before its first step, which {@code train --resume} continues.
   *
   * @param data what it trains on; empty for rendered scenes
   */
  static void begin(Path run, Preset preset, String data, int steps) throws IOException {
    try (Trainer trainer = new Trainer(preset, Device.cpu(), 7)) {
      RunState state =
          new RunState(0, steps, 0, 7, 0, data, DType.F32, RunState.LossSum.NONE, List.of());
      Checkpoint.write(run.resolve("checkpoints"), trainer, state);
    }
  }
}
