package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import nacre.neuralassets.model.Preset;
import nacre.tensor.Memory;

/** The call that says what the server is and does. */
final class StateCalls {
  private final Studio studio;

  StateCalls(Studio studio) {
    this.studio = studio;
  }

  void register(RoutesConfig routes) {
    routes.get("/api/state", this::state);
  }

  private void state(Context request) throws IOException {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("version", studio.version());
    json.put("device", studio.settings().device().toString());
    json.put("tensorBytes", Memory.liveBytes());
    var models = json.putArray("models");
    for (Models.Assets model : studio.models().assets()) {
      models.add(model(model));
    }
    json.set("model", models.isEmpty() ? null : models.get(0));
    var texts = json.putArray("textModels");
    studio.models().textNames().forEach(texts::add);
    ObjectNode folders = json.putObject("folders");
    folders.put("out", studio.out().toString());
    var data = folders.putArray("data");
    studio.settings().data().forEach(data::add);
    var queue = json.putArray("queue");
    studio.jobs().pending().forEach(queue::add);
    Answers.json(request, json);
  }

  private static ObjectNode model(Models.Assets model) {
    Preset preset = model.preset();
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("name", model.name()).put("path", model.folder().toString());
    json.put("preset", preset.name()).put("size", preset.imageSize());
    json.put("slots", SceneShelf.slots(model));
    json.put("steps", preset.sampling().numInferenceSteps());
    json.put("guidance", preset.sampling().guidanceScale());
    boolean encoder = preset.assetTokens().hasEncoder();
    json.putObject("edits")
        .put("replace", encoder)
        .put("background", !preset.seesSource() && preset.assetTokens().hasBackground());
    return json;
  }
}
