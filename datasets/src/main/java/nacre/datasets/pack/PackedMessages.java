package nacre.datasets.pack;

import java.util.ArrayList;
import java.util.List;
import nacre.datasets.pack.proto.PackedClip;
import nacre.datasets.pack.proto.PackedEntity;
import nacre.datasets.pack.proto.PackedFrame;
import nacre.datasets.pack.proto.PackedView;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.Vec3;

/** The messages of pack.proto from annotations, and annotations from them, the same to the bit. */
final class PackedMessages {
  private PackedMessages() {}

  static PackedClip of(String id, Scene scene) {
    PackedClip.Builder clip = PackedClip.newBuilder().setId(id);
    add(scene.up(), clip::addUp);
    for (Scene.Entity entity : scene.entities()) {
      clip.addEntities(
          PackedEntity.newBuilder().setName(entity.name()).setDynamic(entity.isDynamic()));
    }
    scene.frames().forEach(frame -> clip.addFrames(frame(frame.camera(), frame.views())));
    return clip.build();
  }

  private static PackedFrame frame(Camera camera, List<ObjectView> views) {
    PackedFrame.Builder frame = PackedFrame.newBuilder();
    Quaternion q = camera.cameraToWorld().rotation();
    frame.addAllCameraToWorld(List.of(q.w(), q.x(), q.y(), q.z()));
    add(camera.cameraToWorld().translation(), frame::addCameraToWorld);
    Intrinsics k = camera.intrinsics();
    frame.addAllIntrinsics(List.of(k.fx(), k.fy(), k.cx(), k.cy()));
    for (ObjectView view : views) {
      PackedView.Builder packed = PackedView.newBuilder();
      if (view.isPresent()) {
        view.box3().corners().forEach(corner -> add(corner, packed::addCorners));
      }
      if (view.isVisible()) {
        Box2 b = view.box2();
        packed.addAllBox(List.of(b.y0(), b.x0(), b.y1(), b.x1()));
      }
      frame.addViews(packed.setVisiblePixels(view.visiblePixels()));
    }
    return frame.build();
  }

  private interface Sink {
    void add(double value);
  }

  private static void add(Vec3 v, Sink to) {
    to.add(v.x());
    to.add(v.y());
    to.add(v.z());
  }

  static Vec3 up(PackedClip clip) {
    return vec3(clip.getUpList(), 0);
  }

  static List<Scene.Entity> entities(PackedClip clip) {
    return clip.getEntitiesList().stream()
        .map(entity -> new Scene.Entity(entity.getName(), entity.getDynamic()))
        .toList();
  }

  static Camera camera(PackedFrame frame) {
    List<Double> p = frame.getCameraToWorldList();
    Quaternion rotation = new Quaternion(p.get(0), p.get(1), p.get(2), p.get(3));
    List<Double> k = frame.getIntrinsicsList();
    return new Camera(
        new RigidPose(rotation, vec3(p, 4)),
        new Intrinsics(k.get(0), k.get(1), k.get(2), k.get(3)));
  }

  static List<ObjectView> views(PackedFrame frame) {
    List<ObjectView> views = new ArrayList<>();
    for (PackedView view : frame.getViewsList()) {
      Box3 box3 = null;
      if (view.getCornersCount() > 0) {
        List<Vec3> corners = new ArrayList<>();
        for (int i = 0; i < view.getCornersCount(); i += 3) {
          corners.add(vec3(view.getCornersList(), i));
        }
        box3 = new Box3(corners);
      }
      Box2 box2 =
          view.getBoxCount() == 0
              ? Box2.EMPTY
              : new Box2(view.getBox(0), view.getBox(1), view.getBox(2), view.getBox(3));
      views.add(new ObjectView(box3, box2, view.getVisiblePixels()));
    }
    return views;
  }

  private static Vec3 vec3(List<Double> values, int from) {
    return new Vec3(values.get(from), values.get(from + 1), values.get(from + 2));
  }
}
