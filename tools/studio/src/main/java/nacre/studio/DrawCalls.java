package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import nacre.cli.SamplePictures;
import nacre.cli.options.Seed;
import nacre.cli.output.AnimatedGif;
import nacre.cli.output.PngMetadata;
import nacre.cli.output.Upscaling;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Tensor;

/** The calls that draw scenes: one picture, or an animation. */
final class DrawCalls {
  private static final int GIF_SIDE = 256;

  private final Studio studio;

  DrawCalls(Studio studio) {
    this.studio = studio;
  }

  void register(RoutesConfig routes) {
    routes.post("/api/draw", this::draw);
    routes.post("/api/animations", this::animate);
  }

  private void draw(Context request) throws IOException {
    Asked asked = Asked.of(request).only(DrawOrder.KEYS);
    DrawOrder order = DrawOrder.of(studio, asked);
    String kind = order.preview() ? "preview" : "draw";
    submit(request, kind, asked, (job, engine) -> picture(order, job, engine));
  }

  private void animate(Context request) throws IOException {
    List<String> keys = new ArrayList<>(List.of(DrawOrder.KEYS));
    keys.addAll(List.of("turn", "path", "frames", "delay"));
    Asked asked = Asked.of(request).only(keys.toArray(String[]::new));
    DrawOrder order = DrawOrder.of(studio, asked);
    Poses poses = Poses.of(asked, order);
    submit(request, "animation", asked, (job, engine) -> animation(order, poses, job, engine));
  }

  private void submit(Context request, String kind, Asked asked, Job.Work work) {
    Job job = studio.jobs().submit(kind, asked.text("client", 100, ""), asked.json(), work);
    request.status(202).json(Map.of("job", job.id()));
  }

  private String picture(DrawOrder order, Job job, Engine engine) throws IOException {
    long begin = System.nanoTime();
    List<SamplePictures.Order> one =
        List.of(new SamplePictures.Order(order.view(), order.edits(), 0));
    BufferedImage drawn = draw(order, one, job, engine).getFirst();
    byte[] png = PngMetadata.encode(drawn, order.texts());
    if (order.preview()) {
      job.finished(png);
      return null;
    }
    return keep(order, job, drawn, png, "png", begin);
  }

  private String animation(DrawOrder order, Poses poses, Job job, Engine engine)
      throws IOException {
    long begin = System.nanoTime();
    List<SamplePictures.Order> orders = new ArrayList<>();
    for (List<Edit> edits : poses.frames()) {
      orders.add(new SamplePictures.Order(order.view(), edits, 0));
    }
    List<BufferedImage> frames = draw(order, orders, job, engine);
    int scale = Math.max(1, GIF_SIDE / frames.getFirst().getHeight());
    byte[] gif =
        AnimatedGif.encode(frames, Duration.ofMillis(poses.delay()), scale, Upscaling.NEAREST);
    return keep(order, job, frames.getFirst(), gif, "gif", begin);
  }

  private String keep(
      DrawOrder order, Job job, BufferedImage picture, byte[] file, String ending, long begin)
      throws IOException {
    ObjectNode result = Asked.MAPPER.createObjectNode();
    result.put("kind", job.kind());
    result.put("width", picture.getWidth()).put("height", picture.getHeight());
    result.set("settings", order.settings());
    result.set("overlay", SceneJson.overlay(order.edited()));
    result.put("seconds", (System.nanoTime() - begin) / 1e9);
    String id = studio.history().keep(result, file, ending);
    job.kept(result.get("picture").textValue());
    return id;
  }

  private List<BufferedImage> draw(
      DrawOrder order, List<SamplePictures.Order> orders, Job job, Engine engine)
      throws IOException {
    Sampler sampler =
        new Sampler(engine.assets(order.model().folder()), order.steps(), order.guidance());
    int batches = Math.ceilDiv(orders.size(), sampler.batch());
    AtomicInteger done = new AtomicInteger();
    Sampler.Spectator spectator =
        (_, images) -> {
          job.step(
              done.incrementAndGet(),
              batches * order.steps(),
              job.wantsPicture() ? png(images.get(), order) : null);
          studio.jobs().tell(job);
        };
    SamplePictures pictures =
        new SamplePictures(
            sampler,
            studio.scenes().library(order.model()),
            SceneShelf.slots(order.model()),
            Seed.of(order.seed()),
            order.mode(),
            spectator);
    return pictures.draw(orders);
  }

  /** The first of some images. */
  private static byte[] png(Tensor images, DrawOrder order) {
    int size = order.model().preset().imageSize();
    byte[] rgb = SamplePictures.rgb(images.rows(0, 1).toFloats());
    return Pictures.png(PngFile.image(rgb, size, size));
  }
}
