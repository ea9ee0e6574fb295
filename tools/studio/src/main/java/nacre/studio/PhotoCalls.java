package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.UploadedFile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import javax.imageio.ImageIO;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.SceneWriter;
import nacre.neuralassets.scene.Vec3;

/** The calls that take the user's own photos and make scenes of them. */
final class PhotoCalls {
  private static final int MOST_OBJECTS = 255;
  private static final int UPLOADS_AT_ONCE = 4;

  /** A lens of about 50 degrees, where nothing better is known. */
  private static final double USUAL_FOCAL_LENGTH = 1.09375;

  private final Studio studio;
  private final Semaphore uploads = new Semaphore(UPLOADS_AT_ONCE);

  PhotoCalls(Studio studio) {
    this.studio = studio;
  }

  void register(RoutesConfig routes) {
    routes.post("/api/photos", this::upload);
    routes.get("/api/photos/{id}", this::photo);
    routes.post("/api/photos/{id}/scene", this::save);
  }

  private void upload(Context request) throws IOException {
    if (!uploads.tryAcquire()) {
      throw new Refusal(503, "other uploads are under way: try again in a moment");
    }
    try {
      ObjectNode json = studio.photos().keep(bytes(request)).deepCopy();
      double width = json.get("width").intValue();
      double height = json.get("height").intValue();
      double fx =
          json.get("focalLength").isNull()
              ? USUAL_FOCAL_LENGTH * Math.max(width, height) / width
              : json.get("focalLength").doubleValue();
      Intrinsics lens = new Intrinsics(fx, fx * width / height, 0.5, 0.5);
      json.set("camera", SceneJson.camera(guess(lens)));
      request.status(201);
      Answers.json(request, json);
    } finally {
      uploads.release();
    }
  }

  /** A camera at eye level that looks a little down at the ground before it. */
  private static Camera guess(Intrinsics lens) {
    RigidPose pose = RigidPose.lookAt(new Vec3(0, -6, 2.5), new Vec3(0, 0, 0.5), Vec3.UNIT_Z);
    return new Camera(pose, lens);
  }

  private static byte[] bytes(Context request) throws IOException {
    String type = String.valueOf(request.contentType()).toLowerCase(Locale.ROOT);
    if (type.startsWith("image/")) {
      if (request.contentLength() > Photos.MOST_BYTES) {
        throw tooLarge();
      }
      try (InputStream in = request.bodyInputStream()) {
        return limited(in);
      }
    }
    if (!type.startsWith("multipart/form-data")) {
      throw new Refusal(
          415,
          "a photo comes as multipart/form-data in a part \"photo\", or as image/jpeg or"
              + " image/png");
    }
    UploadedFile file = request.uploadedFile("photo");
    if (file == null) {
      throw Refusal.bad("the form has no file in a part \"photo\"");
    }
    try (InputStream in = file.content()) {
      return limited(in);
    }
  }

  private static byte[] limited(InputStream in) throws IOException {
    byte[] bytes = in.readNBytes((int) Photos.MOST_BYTES + 1);
    if (bytes.length > Photos.MOST_BYTES) {
      throw tooLarge();
    }
    if (bytes.length == 0) {
      throw Refusal.bad("the photo is empty");
    }
    return bytes;
  }

  private static Refusal tooLarge() {
    return new Refusal(
        413, "the photo has more than " + Photos.MOST_MEGABYTES + " MiB: scale it down first");
  }

  private void photo(Context request) throws IOException {
    request.contentType("image/png").result(studio.photos().png(request.pathParam("id")));
  }

  private void save(Context request) throws IOException {
    Asked asked = Asked.of(request).only("name", "camera", "up", "objects");
    byte[] photo = studio.photos().png(request.pathParam("id"));
    BufferedImage picture = ImageIO.read(new ByteArrayInputStream(photo));
    double aspect = (double) picture.getWidth() / picture.getHeight();
    Intrinsics usual = new Intrinsics(USUAL_FOCAL_LENGTH, USUAL_FOCAL_LENGTH * aspect, 0.5, 0.5);
    Camera camera = SceneJson.camera(asked.object("camera"), usual);
    Vec3 up = asked.has("up") ? asked.vec3("up") : Vec3.UNIT_Z;
    if (!(up.length() > 1e-6)) {
      throw Refusal.bad("\"up\" has no direction");
    }
    Scene scene = scene(asked, picture, camera, up.normalized());
    String name;
    synchronized (studio.scenes()) {
      studio.scenes().space().require(photo.length, "saved scenes");
      name = studio.scenes().free(asked.text("name", 80));
      SceneWriter.write(scene, studio.scenes().folder(name));
    }
    request.status(201);
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("id", SceneShelf.OWN + "~" + name);
    json.put("folder", studio.scenes().folder(name).toString());
    Answers.json(request, json);
  }

  private static Scene scene(Asked asked, BufferedImage picture, Camera camera, Vec3 up) {
    List<Scene.Entity> entities = new ArrayList<>();
    List<ObjectView> views = new ArrayList<>();
    for (Asked object : asked.objects("objects", MOST_OBJECTS)) {
      object.only("name", "box");
      String name = object.text("name", 60);
      if (!name.matches("[A-Za-z0-9._-]+")) {
        throw Refusal.bad(object.place() + ".name has other signs than letters, digits, - _ and .");
      }
      if (entities.stream().anyMatch(e -> e.name().equals(name))) {
        throw Refusal.bad("two objects are named " + name + ": give each a name of its own");
      }
      Box3 box = SceneJson.box(object.object("box"));
      if (!(box.minDepth(camera) > 0)) {
        throw Refusal.bad(
            object.place() + ": the box of " + name + " reaches behind the camera: move it away");
      }
      Box2 extent = box.extent(camera);
      if (extent.isEmpty()) {
        throw Refusal.bad(
            object.place() + ": the box of " + name + " lies outside of the picture: move it in");
      }
      entities.add(new Scene.Entity(name, false));
      views.add(new ObjectView(box, extent, -1));
    }
    SceneFrame frame = SceneFrame.of(camera, views, PngFile.rgb(picture), null);
    return new Scene(picture.getWidth(), picture.getHeight(), up, entities, List.of(frame));
  }
}
