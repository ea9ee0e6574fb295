package nacre.studio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.cli.DrawingStart;
import nacre.neuralassets.edit.ChangedView;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.EditParser;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.model.Preset;

/**
 * What a request asks to be drawn, checked.
 *
 * @param view source and target frame
 * @param edits as parsed
 * @param asked the edits as they came
 * @param keptMargin null where everything is drawn anew
 */
record DrawOrder(
    Models.Assets model,
    SceneShelf.Entry entry,
    SceneView view,
    List<Edit> edits,
    ArrayNode asked,
    long seed,
    int steps,
    double guidance,
    Double keptMargin,
    boolean preview) {
  static final String[] KEYS = {
    "model",
    "scene",
    "edits",
    "source",
    "target",
    "seed",
    "steps",
    "guidance",
    "keepBackground",
    "preview",
    "client"
  };

  private static final int MOST_EDITS = 200;
  private static final int PREVIEW_STEPS = 4;
  private static final double USUAL_MARGIN = 0.15;
  private static final long MOST_SEED = (1L << 53) - 1;

  /** The order of a request; every mistake in it is refused now, before it waits in the queue. */
  static DrawOrder of(Studio studio, Asked asked) throws IOException {
    Models.Assets model = studio.models().assets(asked.text("model", 200, null));
    Preset preset = model.preset();
    String name =
        asked.json().path("scene").isIntegralNumber()
            ? asked.json().get("scene").asText()
            : asked.text("scene", 1000);
    SceneShelf.Entry entry = studio.scenes().find(name);
    SceneView view = studio.scenes().view(entry.id(), model);
    int last = view.scene().frames().size() - 1;
    int source = asked.integer("source", 0, last, view.source());
    view = view.withFrames(source, asked.integer("target", 0, last, source));
    Double kept = margin(asked);
    if (kept != null && view.source() != view.target()) {
      throw Refusal.bad(
          "\"keepBackground\" keeps the source frame: leave out \"target\", or"
              + " \"keepBackground\"");
    }
    ArrayNode edits = asked.array("edits", MOST_EDITS);
    boolean preview = asked.flag("preview", false);
    int steps =
        asked.integer(
            "steps",
            1,
            Math.min(preset.scheduler().numTrainTimesteps(), 1000),
            preview ? PREVIEW_STEPS : preset.sampling().numInferenceSteps());
    DrawOrder order =
        new DrawOrder(
            model,
            entry,
            view,
            EditParser.ofJson(edits),
            edits,
            asked.has("seed") ? asked.integer("seed", 0, MOST_SEED) : 0,
            steps,
            asked.number("guidance", 0, 1000, preset.sampling().guidanceScale()),
            kept,
            preview);
    order.check(studio);
    return order;
  }

  private static Double margin(Asked asked) {
    if (asked.json().path("keepBackground").isNumber()) {
      return asked.number("keepBackground", 0, 10);
    }
    return asked.flag("keepBackground", false) ? USUAL_MARGIN : null;
  }

  private void check(Studio studio) throws IOException {
    edited();
    ChangedView.of(view, edits, SceneShelf.slots(model));
    for (Edit edit : edits) {
      String scene =
          switch (edit) {
            case Edit.Replace replace -> replace.by().scene();
            case Edit.Background background -> background.scene();
            default -> null;
          };
      if (scene != null) {
        studio.scenes().find(scene);
      }
      if (keptMargin != null && edit instanceof Edit.Background) {
        throw new EditException(
            "\"keepBackground\" keeps the background, an edit replaces it: leave one of them out");
      }
      if (keptMargin != null && edit instanceof Edit.MoveCamera) {
        throw new EditException(
            "\"keepBackground\" keeps the source frame, whose camera an edit moves: leave one of"
                + " them out");
      }
    }
  }

  /** Where everything is after the edits. */
  EditedScene edited() {
    return EditedScene.apply(view.scene(), view.target(), edits);
  }

  /** How drawing begins. */
  DrawingStart.Mode mode() {
    return new DrawingStart.Mode(keptMargin, false);
  }

  /** The settings, with what the request left open. */
  ObjectNode settings() {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("model", model.name()).put("scene", entry.id()).put("sceneName", entry.name());
    json.set("edits", asked);
    json.put("seed", seed).put("steps", steps).put("guidance", guidance);
    if (keptMargin == null) {
      json.put("keepBackground", false);
    } else {
      json.put("keepBackground", keptMargin);
    }
    return json;
  }

  /** The settings as texts in a PNG, under the names that {@code nacre sample} gives them. */
  Map<String, String> texts() {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("Software", "Nacre");
    texts.put("model", model.name());
    texts.put("scene", entry.reference());
    texts.put("edits", asked.toString());
    texts.put("steps", Integer.toString(steps));
    texts.put("guidance", Double.toString(guidance));
    texts.put("seed", Long.toString(seed));
    if (keptMargin != null) {
      texts.put("background kept, margin", keptMargin.toString());
    }
    return texts;
  }
}
