package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import nacre.cli.texttoimage.PictureFile;
import nacre.diffusion.Prompt;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.lora.Lora;
import nacre.diffusion.schedule.Schedulers;

/**
 * What a request asks to be drawn from a prompt.
 *
 * @param sampler null for the model's own
 * @param width 0 for the model's own, and so is height
 * @param init the picture to begin from; null for none
 * @param count of pictures, with seeds in a row
 */
record TextOrder(
    Map.Entry<String, Path> model,
    String prompt,
    String negative,
    String sampler,
    int steps,
    double guidance,
    int width,
    int height,
    long seed,
    int count,
    Map<String, Lora> loras,
    BufferedImage init,
    double strength) {
  static final long MOST_SEED = (1L << 53) - 1;

  private static final int LONGEST_PROMPT = 10_000;
  private static final int MOST_STEPS = 1000;
  private static final int LONGEST_SIDE = 2048;
  private static final int MOST_LORAS = 8;
  private static final int LONGEST_PICTURE = 45_000_000;

  /** The order of a request of this API. */
  static TextOrder of(Studio studio, Asked asked) throws IOException {
    asked.only(
        "model",
        "prompt",
        "negativePrompt",
        "sampler",
        "steps",
        "guidance",
        "width",
        "height",
        "seed",
        "lora",
        "init",
        "strength",
        "client");
    Map<String, Lora> loras = new LinkedHashMap<>();
    for (Asked lora : asked.objects("lora", MOST_LORAS)) {
      lora.only("name", "scale");
      String name = lora.text("name", 200);
      loras.put(name, new Lora(studio.models().lora(name), lora.number("scale", -10, 10, 1)));
    }
    BufferedImage init =
        asked.has("init") ? init(studio, asked.text("init", LONGEST_PICTURE)) : null;
    return new TextOrder(
        studio.models().text(asked.text("model", 200, null)),
        asked.text("prompt", LONGEST_PROMPT),
        asked.text("negativePrompt", LONGEST_PROMPT, ""),
        sampler(asked.text("sampler", 100, null)),
        asked.integer("steps", 1, MOST_STEPS, Prompt.DEFAULT_STEPS),
        asked.number("guidance", 0, 1000, Prompt.DEFAULT_GUIDANCE),
        asked.integer("width", 8, LONGEST_SIDE, 0),
        asked.integer("height", 8, LONGEST_SIDE, 0),
        asked.has("seed") ? asked.integer("seed", 0, MOST_SEED) : 0,
        1,
        loras,
        init,
        asked.number("strength", 0, 1, 0.75));
  }

  /** The name of a sampler, checked; null for null. */
  static String sampler(String name) {
    if (name != null) {
      try {
        Schedulers.named(name);
      } catch (IllegalArgumentException e) {
        throw Refusal.bad("\"sampler\": " + e.getMessage());
      }
    }
    return name;
  }

  private static BufferedImage init(Studio studio, String text) throws IOException {
    if (text.length() <= 30 && text.matches("\\d{8}-\\d{6}-\\d{3}(-\\d+)?")) {
      return ImageIO.read(new ByteArrayInputStream(studio.history().picture(text, "png")));
    }
    return picture(text);
  }

  /** A picture in base64, as a data URL or without its head. */
  static BufferedImage picture(String text) {
    byte[] bytes;
    try {
      int comma = text.startsWith("data:") ? text.indexOf(',') : -1;
      bytes = Base64.getMimeDecoder().decode(text.substring(comma + 1));
    } catch (IllegalArgumentException e) {
      throw Refusal.bad("the picture is not in base64: send the bytes of a PNG or JPEG so");
    }
    return PictureFile.decode(bytes, "the picture", 16_000_000);
  }

  /** The prompt that draws it. */
  Prompt on(StableDiffusion sd) {
    Prompt order = sd.prompt(prompt).negative(negative).seed(seed).steps(steps).count(count);
    order.guidance(guidance);
    if (sampler != null) {
      order.scheduler(sampler);
    }
    if (init != null) {
      order.init(init).strength(strength);
    }
    if (width > 0 || height > 0) {
      order.size(width > 0 ? width : sd.size(), height > 0 ? height : sd.size());
    }
    return order;
  }

  List<Lora> loraList() {
    return new ArrayList<>(loras.values());
  }

  /** The settings of one picture, as the API shows them. */
  ObjectNode settings(long ofSeed, BufferedImage drawn) {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("model", model.getKey()).put("prompt", prompt).put("negativePrompt", negative);
    json.put("sampler", sampler).put("steps", steps).put("guidance", guidance);
    json.put("width", drawn.getWidth()).put("height", drawn.getHeight()).put("seed", ofSeed);
    var list = json.putArray("lora");
    loras.forEach((name, lora) -> list.addObject().put("name", name).put("scale", lora.weight()));
    if (init != null) {
      json.put("strength", strength);
    }
    return json;
  }

  /** The settings as texts in a PNG. */
  Map<String, String> texts(ObjectNode settings) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("Software", "Nacre");
    settings
        .properties()
        .forEach(
            e -> {
              if (!e.getValue().isNull() && !e.getValue().isEmpty() || e.getValue().isValueNode()) {
                texts.put(e.getKey(), e.getValue().asText(""));
              }
            });
    return texts;
  }
}
