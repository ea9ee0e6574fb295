package nacre.studio;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.model.PresetFile;

/**
 * The form of a preset: the fields that one changes most, with what they mean, and their limits.
 */
final class PresetForm {
  /** The kind of a field. */
  private enum Type {
    INTEGER,
    NUMBER,
    CHOICE
  }

  /**
   * One field.
   *
   * @param key path in the preset's file
   */
  private record Field(
      String key, Type type, double least, double most, List<String> choices, String explanation) {
    static Field integer(String key, double least, double most, String explanation) {
      return new Field(key, Type.INTEGER, least, most, List.of(), explanation);
    }

    static Field number(String key, double least, double most, String explanation) {
      return new Field(key, Type.NUMBER, least, most, List.of(), explanation);
    }

    String pointer() {
      return "/" + key.replace('.', '/');
    }
  }

  private static final List<Field> FIELDS =
      List.of(
          Field.integer(
              "training.steps",
              1,
              1e9,
              "How many steps the run takes. More is better until the loss of held-out scenes stops"
                  + " falling."),
          Field.integer(
              "training.batch_size",
              1,
              4096,
              "Pairs of frames a step. Larger steps are smoother, and take as much more time and"
                  + " memory."),
          Field.number(
              "training.learning_rate",
              1e-7,
              1,
              "How far each step goes. Too large and the loss jumps or becomes no number; too small"
                  + " and it hardly falls."),
          new Field(
              "training.learning_rate_schedule",
              Type.CHOICE,
              0,
              0,
              List.of("constant", "cosine"),
              "Whether the learning rate stays, or falls to zero along half a cosine until the"
                  + " end."),
          Field.integer(
              "training.warmup_steps",
              0,
              1e9,
              "Steps in which the learning rate rises from zero, so that the first ones do no"
                  + " harm."),
          Field.number(
              "training.weight_decay",
              0,
              1,
              "How strongly weights are pulled to zero; a little keeps them from growing."),
          Field.number(
              "training.max_grad_norm",
              1e-6,
              1e6,
              "Gradients larger than this are scaled down, so that one odd batch does no harm."),
          Field.number(
              "training.ema_decay",
              0,
              0.999999,
              "Weight of the past in the averaged parameters, with which pictures are drawn; 0 for"
                  + " no average."),
          Field.number(
              "training.drop_probability",
              0,
              1,
              "Share of samples that are trained without objects, which guidance needs."),
          Field.integer(
              "sampling.num_inference_steps",
              1,
              1000,
              "Steps of a picture, where nothing else is asked for."),
          Field.number(
              "sampling.guidance_scale",
              0,
              1000,
              "How strongly pictures follow the boxes; 1 for no guidance, which takes half the"
                  + " time."));

  private PresetForm() {}

  /** The built-in presets that train without a pretrained model, with their fields. */
  static ArrayNode json() throws IOException {
    ArrayNode presets = Asked.MAPPER.createArrayNode();
    for (String name : PresetFile.builtin()) {
      PresetFile preset = PresetFile.named(name);
      if (startable(preset)) {
        ObjectNode json = presets.addObject();
        json.put("name", name).put("description", description(name));
        ArrayNode fields = json.putArray("fields");
        for (Field field : FIELDS) {
          JsonNode value = preset.root().at(field.pointer());
          if (!value.isMissingNode()) {
            fields.add(field(field, value));
          }
        }
      }
    }
    return presets;
  }

  private static boolean startable(PresetFile preset) {
    try {
      preset.preset(); // of a model that is complete
      boolean rendered = preset.root().at("/data/scene").isObject();
      return rendered && !preset.root().has("base");
    } catch (IOException | IllegalArgumentException e) {
      return false;
    }
  }

  private static String description(String name) {
    return switch (name) {
      case "demo" -> "Learns on two CPU cores in minutes; rendered scenes of 64 by 64 pixels.";
      case "tiny" -> "Takes seconds: to try things out. It learns nothing worth looking at.";
      default -> "See docs/presets.md.";
    };
  }

  private static ObjectNode field(Field field, JsonNode value) {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("key", field.key).put("type", field.type.name().toLowerCase(Locale.ROOT));
    json.set("value", value);
    if (field.type == Type.CHOICE) {
      field.choices.forEach(json.putArray("choices")::add);
    } else {
      json.put("minimum", field.least).put("maximum", field.most);
    }
    json.put("explanation", field.explanation);
    return json;
  }

  /**
   * A preset that extends a built-in one.
   *
   * @param fields by their keys
   * @return the content of its file
   */
  static ObjectNode changed(String preset, Asked fields) {
    if (!PresetFile.builtin().contains(preset)) {
      throw Refusal.bad(
          "there is no preset "
              + Asked.brief(preset)
              + "; there are "
              + String.join(", ", PresetFile.builtin()));
    }
    fields.only(FIELDS.stream().map(Field::key).toArray(String[]::new));
    ObjectNode file = Asked.MAPPER.createObjectNode();
    file.put("extends", preset);
    for (Field field : FIELDS) {
      if (fields.has(field.key)) {
        String[] path = field.key.split("\\.");
        file.withObject("/" + path[0]).set(path[1], value(field, fields));
      }
    }
    return file;
  }

  private static JsonNode value(Field field, Asked fields) {
    var nodes = Asked.MAPPER.getNodeFactory();
    return switch (field.type) {
      case INTEGER ->
          nodes.numberNode(fields.integer(field.key, (long) field.least, (long) field.most));
      case NUMBER -> nodes.numberNode(fields.number(field.key, field.least, field.most));
      case CHOICE -> {
        String text = fields.text(field.key, 100);
        if (!field.choices.contains(text)) {
          throw Refusal.bad(
              "\""
                  + field.key
                  + "\" is "
                  + Asked.brief(text)
                  + ", one of "
                  + String.join(", ", field.choices)
                  + " is wanted");
        }
        yield nodes.textNode(text);
      }
    };
  }
}
