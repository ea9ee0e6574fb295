package nacre.studio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditParser;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.scene.Vec3;

/**
 * The poses of an animation: the edits of each frame.
 *
 * @param delay between frames, in milliseconds
 */
record Poses(List<List<Edit>> frames, int delay) {
  private static final Edit.MoveCamera STILL = new Edit.MoveCamera(Vec3.ZERO, 0, 0);
  private static final int USUAL_FRAMES = 24;
  private static final int MOST_FRAMES = 72;
  private static final int MOST_POSES = 20;
  private static final int USUAL_DELAY = 80;

  /** The poses of a request, each of them checked. */
  static Poses of(Asked asked, DrawOrder order) {
    int count = asked.integer("frames", 2, MOST_FRAMES, USUAL_FRAMES);
    int delay = asked.integer("delay", 20, 5000, USUAL_DELAY);
    if (asked.has("turn") == asked.has("path")) {
      throw Refusal.bad(
          "an animation wants either \"turn\": {\"object\": NAME} or \"path\": [EDITS, EDITS, …]");
    }
    List<List<Edit>> frames =
        asked.has("turn")
            ? turn(asked.object("turn"), order, count)
            : path(asked.array("path", MOST_POSES), count);
    for (List<Edit> edits : frames) {
      EditedScene.apply(order.view().scene(), order.view().target(), edits);
    }
    return new Poses(frames, delay);
  }

  private static List<List<Edit>> turn(Asked turn, DrawOrder order, int count) {
    turn.only("object", "degrees");
    String object = turn.text("object", 200);
    double degrees = turn.number("degrees", -3600, 3600, 360);
    List<List<Edit>> frames = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Edit> edits = new ArrayList<>(order.edits());
      edits.add(new Edit.Rotate(object, degrees * i / count, null));
      frames.add(edits);
    }
    return frames;
  }

  private static List<List<Edit>> path(ArrayNode path, int count) {
    List<Map<String, Edit>> poses = new ArrayList<>();
    for (var pose : path) {
      if (!(pose instanceof ArrayNode edits) || edits.size() > 200) {
        throw Refusal.bad("\"path\" is an array of poses, each an array of at most 200 edits");
      }
      poses.add(keyed(EditParser.ofJson(edits)));
    }
    if (poses.size() < 2) {
      throw Refusal.bad("\"path\" wants at least two poses");
    }
    List<List<Edit>> frames = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double at = (double) i * (poses.size() - 1) / (count - 1);
      int from = Math.min((int) at, poses.size() - 2);
      frames.add(between(poses.get(from), poses.get(from + 1), at - from));
    }
    return frames;
  }

  /** Edits by what they do to what, so that those of two poses can be told to be the same. */
  private static Map<String, Edit> keyed(List<Edit> edits) {
    Map<String, Edit> keyed = new LinkedHashMap<>();
    for (Edit edit : edits) {
      String key =
          switch (edit) {
            case Edit.Translate e -> "translate " + e.object();
            case Edit.Rotate e -> "rotate " + e.object() + " " + e.axis();
            case Edit.Resize e -> "resize " + e.object();
            case Edit.MoveCamera _ -> "camera";
            default -> edit.toString();
          };
      if (keyed.put(key, edit) != null) {
        throw Refusal.bad(
            "\"path\": a pose has two edits to "
                + key
                + "; add them up, so that what lies between"
                + " poses is clear");
      }
    }
    return keyed;
  }

  /** What is in one of two poses only comes or goes; what cannot change by degrees is in both. */
  private static List<Edit> between(Map<String, Edit> a, Map<String, Edit> b, double share) {
    Map<String, Edit> all = new LinkedHashMap<>(a);
    b.forEach(all::putIfAbsent);
    List<Edit> edits = new ArrayList<>();
    all.forEach((key, any) -> mixed(any, a.get(key), b.get(key), share, edits));
    return edits;
  }

  private static void mixed(Edit any, Edit a, Edit b, double share, List<Edit> to) {
    switch (any) {
      case Edit.Translate e -> {
        Vec3 from = a instanceof Edit.Translate t ? t.by() : Vec3.ZERO;
        Vec3 until = b instanceof Edit.Translate t ? t.by() : Vec3.ZERO;
        to.add(new Edit.Translate(e.object(), from.times(1 - share).plus(until.times(share))));
      }
      case Edit.Rotate e -> {
        double from = a instanceof Edit.Rotate t ? t.degrees() : 0;
        double until = b instanceof Edit.Rotate t ? t.degrees() : 0;
        to.add(new Edit.Rotate(e.object(), from * (1 - share) + until * share, e.axis()));
      }
      case Edit.Resize e -> {
        double from = a instanceof Edit.Resize t ? t.factor() : 1;
        double until = b instanceof Edit.Resize t ? t.factor() : 1;
        to.add(new Edit.Resize(e.object(), Math.pow(from, 1 - share) * Math.pow(until, share)));
      }
      case Edit.MoveCamera _ -> {
        Edit.MoveCamera from = a instanceof Edit.MoveCamera m ? m : STILL;
        Edit.MoveCamera until = b instanceof Edit.MoveCamera m ? m : STILL;
        to.add(
            new Edit.MoveCamera(
                from.by().times(1 - share).plus(until.by().times(share)),
                from.left() * (1 - share) + until.left() * share,
                from.raised() * (1 - share) + until.raised() * share));
      }
      default -> {
        if (a != null && share < 1 || b != null && share == 1 || a != null && b != null) {
          to.add(any);
        }
      }
    }
  }
}
