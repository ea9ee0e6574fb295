package nacre.studio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import nacre.cli.output.PngMetadata;
import nacre.diffusion.LoadOptions;
import nacre.diffusion.Prompt;
import nacre.diffusion.StepListener;
import nacre.diffusion.schedule.Schedulers;

/**
 * The calls that draw prompts: this API's own, and the two by which clients of AUTOMATIC1111's web
 * interface draw, with what these ask before.
 */
final class TextCalls {
  private static final int MOST_PICTURES = 16;
  private static final int USUAL_SIDE = 512;

  private final Studio studio;

  TextCalls(Studio studio) {
    this.studio = studio;
  }

  void register(RoutesConfig routes) {
    routes.get("/api/text-models", this::models);
    routes.post("/api/text-to-image", this::draw);
    routes.post("/sdapi/v1/txt2img", request -> sdapi(request, false));
    routes.post("/sdapi/v1/img2img", request -> sdapi(request, true));
    routes.get("/sdapi/v1/sd-models", this::sdModels);
    routes.get("/sdapi/v1/samplers", this::samplers);
  }

  private void models(Context request) throws IOException {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    ArrayNode models = json.putArray("models");
    studio
        .models()
        .textNames()
        .forEach(
            name ->
                models
                    .addObject()
                    .put("name", name)
                    .put("path", studio.models().text(name).getValue().toString())
                    .put("size", studio.models().textSize(name)));
    ArrayNode samplers = json.putArray("samplers");
    Schedulers.all().stream()
        .flatMap(kind -> kind.names().stream())
        .forEach(
            name ->
                samplers
                    .addObject()
                    .put("name", name.name())
                    .put("description", name.description()));
    studio.models().loras().forEach(json.putArray("loras")::add);
    Answers.json(request, json);
  }

  private void draw(Context request) throws IOException {
    Asked asked = Asked.large(request);
    TextOrder order = TextOrder.of(studio, asked);
    ObjectNode shown = asked.json().deepCopy();
    shown.remove("init");
    Job job =
        studio
            .jobs()
            .submit(
                "text-to-image",
                asked.text("client", 100, ""),
                shown,
                (own, engine) -> run(order, own, engine, new ArrayList<>()));
    request.status(202).json(Map.of("job", job.id()));
  }

  /** Draws, and keeps the results; the PNGs are added to a list. */
  private String run(TextOrder order, Job job, Engine engine, List<byte[]> pngs)
      throws IOException {
    LoadOptions options = LoadOptions.DEFAULT.withLoras(order.loraList());
    Prompt prompt = order.on(engine.text(order.model().getValue(), options));
    long[] begin = {System.nanoTime()};
    String[] last = {null};
    prompt
        .onStep(new Progress(job))
        .drawEach(
            (seed, picture) -> {
              ObjectNode settings = order.settings(seed, picture);
              byte[] png = PngMetadata.encode(picture, order.texts(settings));
              ObjectNode result = Asked.MAPPER.createObjectNode();
              result.put("kind", "text-to-image");
              result.put("width", picture.getWidth()).put("height", picture.getHeight());
              result.set("settings", settings);
              result.put("seconds", (System.nanoTime() - begin[0]) / 1e9);
              begin[0] = System.nanoTime();
              last[0] = studio.history().keep(result, png, "png");
              job.kept(result.get("picture").textValue());
              pngs.add(png);
            });
    return last[0];
  }

  /** Tells of the steps of a job, and shows its picture now and then. */
  private final class Progress implements StepListener {
    private final Job job;

    Progress(Job job) {
      this.job = job;
    }

    @Override
    public boolean onStep(int step, int of) {
      return onStep(step, of, Optional::empty);
    }

    @Override
    public boolean onStep(int step, int of, Supplier<Optional<BufferedImage>> preview) {
      byte[] png =
          step < of && job.wantsPicture() ? preview.get().map(Pictures::png).orElse(null) : null;
      job.step(step, of, png);
      studio.jobs().tell(job);
      return true;
    }
  }

  private void sdapi(Context request, boolean fromPicture) throws Exception {
    Asked asked = Asked.large(request);
    TextOrder order = order(asked, fromPicture);
    List<byte[]> pngs = new ArrayList<>();
    ObjectNode shown = asked.json().deepCopy();
    shown.remove(List.of("init_images", "mask"));
    Job job =
        studio
            .jobs()
            .submit("text-to-image", "", shown, (own, engine) -> run(order, own, engine, pngs));
    job.await();
    if (job.state() != Job.State.DONE) {
      throw new Refusal(
          job.state() == Job.State.CANCELED ? 409 : 500,
          job.state() == Job.State.CANCELED ? "the job was canceled" : job.error());
    }
    ObjectNode answer = Asked.MAPPER.createObjectNode();
    ArrayNode images = answer.putArray("images");
    pngs.forEach(png -> images.add(Base64.getEncoder().encodeToString(png)));
    answer.set("parameters", shown);
    answer.put("info", info(order).toString());
    Answers.json(request, answer);
  }

  /** What such clients send; keys that are not known are passed over, as there. */
  private TextOrder order(Asked asked, boolean fromPicture) {
    int count =
        asked.integer("batch_size", 1, MOST_PICTURES, 1)
            * asked.integer("n_iter", 1, MOST_PICTURES, 1);
    if (count > MOST_PICTURES) {
      throw Refusal.bad(
          "batch_size times n_iter is " + count + ", at most " + MOST_PICTURES + " are drawn");
    }
    ArrayNode inits = asked.array("init_images", 1);
    if (fromPicture && inits.isEmpty()) {
      throw Refusal.bad("\"init_images\" is missing: the picture to begin from, in base64");
    }
    long seed = asked.has("seed") ? asked.integer("seed", -1, TextOrder.MOST_SEED) : -1;
    return new TextOrder(
        studio.models().text(model(asked)),
        asked.text("prompt", 10_000, ""),
        asked.text("negative_prompt", 10_000, ""),
        sampler(asked),
        asked.integer("steps", 1, 1000, 20),
        asked.number("cfg_scale", 0, 1000, 7),
        asked.integer("width", 8, 2048, USUAL_SIDE),
        asked.integer("height", 8, 2048, USUAL_SIDE),
        seed >= 0 ? seed : ThreadLocalRandom.current().nextLong(1L << 32),
        count,
        Map.of(),
        fromPicture ? TextOrder.picture(inits.get(0).asText()) : null,
        asked.number("denoising_strength", 0, 1, 0.75));
  }

  private static String model(Asked asked) {
    return asked.has("override_settings")
        ? asked.object("override_settings").text("sd_model_checkpoint", 300, null)
        : null;
  }

  /** The sampler with its spacing, which newer clients send by itself. */
  private static String sampler(Asked asked) {
    String name = asked.text("sampler_name", 100, asked.text("sampler_index", 100, null));
    String spacing = asked.text("scheduler", 100, "automatic");
    boolean own = name == null || spacing.equalsIgnoreCase("automatic") || spacing.isEmpty();
    return TextOrder.sampler(own ? name : name + " " + spacing);
  }

  private static ObjectNode info(TextOrder order) {
    ObjectNode info = Asked.MAPPER.createObjectNode();
    info.put("prompt", order.prompt()).put("negative_prompt", order.negative());
    info.put("seed", order.seed()).put("steps", order.steps());
    info.put("cfg_scale", order.guidance()).put("sampler_name", order.sampler());
    info.put("width", order.width()).put("height", order.height());
    info.put("sd_model_name", order.model().getKey());
    ArrayNode seeds = info.putArray("all_seeds");
    for (int i = 0; i < order.count(); i++) {
      seeds.add(order.seed() + i);
    }
    return info;
  }

  private void sdModels(Context request) throws IOException {
    ArrayNode models = Asked.MAPPER.createArrayNode();
    studio
        .models()
        .textNames()
        .forEach(
            name ->
                models
                    .addObject()
                    .put("title", name)
                    .put("model_name", name)
                    .put("filename", studio.models().text(name).getValue().toString()));
    Answers.json(request, models);
  }

  private void samplers(Context request) throws IOException {
    ArrayNode samplers = Asked.MAPPER.createArrayNode();
    Schedulers.all().stream()
        .flatMap(kind -> kind.names().stream())
        .forEach(
            name -> {
              ObjectNode sampler = samplers.addObject().put("name", name.name());
              sampler.putArray("aliases");
              sampler.putObject("options");
            });
    Answers.json(request, samplers);
  }
}
