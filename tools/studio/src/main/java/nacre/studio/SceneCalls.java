package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.awt.image.BufferedImage;
import java.io.IOException;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Scene;

/** The calls about scenes: the list, one with its boxes, its pictures, and edits applied to it. */
final class SceneCalls {
  private static final int MOST = 200;
  private static final int USUAL = 24;
  private static final int THUMBNAIL = 128;

  private final Studio studio;

  SceneCalls(Studio studio) {
    this.studio = studio;
  }

  void register(RoutesConfig routes) {
    routes.get("/api/scenes", this::list);
    routes.post("/api/scenes", new SceneUpload(studio)::take);
    routes.get("/api/scenes/{id}", this::scene);
    routes.get("/api/scenes/{id}/image", request -> image(request, Integer.MAX_VALUE));
    routes.get("/api/scenes/{id}/thumbnail", request -> image(request, THUMBNAIL));
    routes.post("/api/scenes/{id}/edits", this::edits);
  }

  private void list(Context request) throws IOException {
    int from = Answers.integer(request, "from", 0, Integer.MAX_VALUE, 0);
    int count = Answers.integer(request, "count", 1, MOST, USUAL);
    ObjectNode json = Asked.MAPPER.createObjectNode();
    var groups = json.putArray("groups");
    for (SceneShelf.Group group : studio.scenes().groups()) {
      groups.addObject().put("name", group.name()).put("count", group.count());
    }
    var scenes = json.putArray("scenes");
    for (SceneShelf.Entry entry :
        studio.scenes().entries(request.queryParam("group"), from, count)) {
      scenes
          .addObject()
          .put("id", entry.id())
          .put("reference", entry.reference())
          .put("name", entry.name())
          .put("group", entry.group())
          .put("thumbnail", "/api/scenes/" + entry.id() + "/thumbnail");
    }
    Answers.json(request, json);
  }

  private SceneView view(Context request) throws IOException {
    return studio.scenes().view(request.pathParam("id"), studio.models().assets(null));
  }

  private static int frame(Context request, SceneView view) {
    int last = view.scene().frames().size() - 1;
    return Answers.integer(request, "frame", 0, last, view.source());
  }

  private void scene(Context request) throws IOException {
    SceneView view = view(request);
    SceneShelf.Entry entry = studio.scenes().find(request.pathParam("id"));
    Answers.json(request, SceneJson.scene(entry, view, frame(request, view)));
  }

  private void image(Context request, int side) throws IOException {
    SceneView view = view(request);
    Scene scene = view.scene();
    byte[] rgb = scene.frames().get(frame(request, view)).rgb();
    BufferedImage picture = PngFile.image(rgb, scene.width(), scene.height());
    request.header("Cache-Control", "private, max-age=3600");
    request.contentType("image/png").result(Pictures.png(Pictures.within(picture, side)));
  }

  private void edits(Context request) throws IOException {
    Asked asked = Asked.of(request).only("edits", "frame");
    ObjectNode all = asked.json().deepCopy();
    all.put("scene", request.pathParam("id"));
    if (all.has("frame")) {
      all.set("source", all.get("frame"));
      all.remove("frame");
    }
    DrawOrder order = DrawOrder.of(studio, new Asked(all, ""));
    Answers.json(request, SceneJson.edited(order.entry(), order.view(), order.edited()));
  }
}
