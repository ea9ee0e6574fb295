package nacre.neuralassets.data;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/** Clips as bytes, by which one process passes to another of the same version what it has made. */
final class ClipBytes {
  private ClipBytes() {}

  /** The bytes of some clips, whose frames are all prepared. */
  static byte[] of(List<Clip> clips) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      for (Clip clip : clips) {
        write(clip, out);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(Clip clip, DataOutputStream out) throws IOException {
    out.writeUTF(clip.name());
    out.writeInt(clip.size());
    out.writeInt(clip.objects());
    for (int index : clip.sceneIndices()) {
      out.writeInt(index);
    }
    out.writeInt(clip.frames());
    for (int t = 0; t < clip.frames(); t++) {
      write(clip.camera(t), out);
      out.write(clip.rgb(t));
      write(clip.boxes(t), out);
      write(clip.poses(t), out);
    }
  }

  private static void write(Camera camera, DataOutputStream out) throws IOException {
    Quaternion q = camera.cameraToWorld().rotation();
    Vec3 t = camera.cameraToWorld().translation();
    Intrinsics k = camera.intrinsics();
    for (double value :
        new double[] {
          q.w(), q.x(), q.y(), q.z(), t.x(), t.y(), t.z(), k.fx(), k.fy(), k.cx(), k.cy()
        }) {
      out.writeDouble(value);
    }
  }

  private static void write(float[] values, DataOutputStream out) throws IOException {
    out.writeInt(values.length);
    for (float value : values) {
      out.writeFloat(value);
    }
  }

  /** The clips of {@link #of}. */
  static List<Clip> read(byte[] bytes) {
    List<Clip> clips = new ArrayList<>();
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      while (in.available() > 0) {
        clips.add(clip(in));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return clips;
  }

  private static Clip clip(DataInputStream in) throws IOException {
    String name = in.readUTF();
    int size = in.readInt();
    List<Integer> objects = new ArrayList<>();
    int count = in.readInt();
    for (int i = 0; i < count; i++) {
      objects.add(in.readInt());
    }
    int frames = in.readInt();
    List<Camera> cameras = new ArrayList<>();
    byte[][] rgb = new byte[frames][3 * size * size];
    float[][] boxes = new float[frames][];
    float[][] poses = new float[frames][];
    for (int t = 0; t < frames; t++) {
      cameras.add(camera(in));
      in.readFully(rgb[t]);
      boxes[t] = floats(in);
      poses[t] = floats(in);
    }
    return new Clip(name, size, cameras, objects, rgb, boxes, poses);
  }

  private static Camera camera(DataInputStream in) throws IOException {
    Quaternion rotation =
        new Quaternion(in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble());
    Vec3 place = new Vec3(in.readDouble(), in.readDouble(), in.readDouble());
    return new Camera(
        new RigidPose(rotation, place),
        new Intrinsics(in.readDouble(), in.readDouble(), in.readDouble(), in.readDouble()));
  }

  private static float[] floats(DataInputStream in) throws IOException {
    float[] values = new float[in.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.readFloat();
    }
    return values;
  }
}
