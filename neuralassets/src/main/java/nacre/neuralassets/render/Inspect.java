package nacre.neuralassets.render;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Line2D;
import java.awt.image.BufferedImage;
import java.util.List;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;

/**
 * Images of a scene's frames with its annotations drawn over them, which show at a glance whether
 * camera matrices, corner order and 2D boxes are right: 3D boxes in white, each with its own axes
 * from corner 0 (x red, y green, z blue), 2D boxes in yellow, names.
 */
public final class Inspect {
  private static final Color EDGE = new Color(255, 255, 255, 190);
  private static final Color[] AXES = {
    new Color(255, 40, 40), new Color(30, 220, 60), new Color(60, 110, 255)
  };

  /** Corners at the ends of the object's x, y and z axis, which begin at corner 0. */
  private static final int[] AXIS_ENDS = {4, 2, 1};

  private static final Color FLAT = new Color(255, 220, 0);
  private static final int MARGIN = 4;
  private static final int CAPTION = 14;

  private Inspect() {}

  /**
   * A sheet of frames with all annotations.
   *
   * @param frames indices of the frames to show
   * @param columns frames in a row
   * @param side least width of a frame on the sheet in pixels; frames are enlarged by a whole
   *     factor
   */
  public static BufferedImage sheet(Scene scene, List<Integer> frames, int columns, int side) {
    int scale = Math.max(1, Math.ceilDiv(side, scene.width()));
    int w = scene.width() * scale;
    int h = scene.height() * scale;
    int across = Math.min(columns, frames.size());
    int down = Math.ceilDiv(frames.size(), columns);
    BufferedImage sheet =
        new BufferedImage(
            across * (w + MARGIN) + MARGIN,
            down * (h + MARGIN + CAPTION) + MARGIN,
            BufferedImage.TYPE_INT_RGB);
    for (int k = 0; k < frames.size(); k++) {
      int x = MARGIN + (k % columns) * (w + MARGIN);
      int y = MARGIN + (k / columns) * (h + MARGIN + CAPTION);
      int t = frames.get(k);
      sheet.createGraphics().drawImage(frame(scene, t, scale), x, y + CAPTION, null);
      PixelFont.draw(sheet, "frame " + t, x, y + 3, 1, 0xDDDDDD);
    }
    return sheet;
  }

  /** One frame, enlarged by a whole factor, with all annotations. */
  public static BufferedImage frame(Scene scene, int index, int scale) {
    SceneFrame frame = scene.frames().get(index);
    int w = scene.width() * scale;
    int h = scene.height() * scale;
    BufferedImage image = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR);
    g.drawImage(PngFile.image(frame.rgb(), scene.width(), scene.height()), 0, 0, w, h, null);
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    for (ObjectView view : frame.views()) {
      if (view.isPresent()) {
        drawBox3(g, frame, view.box3(), w, h);
      }
    }
    for (int i = 0; i < frame.views().size(); i++) {
      ObjectView view = frame.views().get(i);
      if (view.isVisible()) {
        drawBox2(g, image, view.box2(), scene.entities().get(i).name());
      }
    }
    g.dispose();
    return image;
  }

  private static void drawBox3(Graphics2D g, SceneFrame frame, Box3 box, int w, int h) {
    double[][] at = new double[8][];
    for (int i = 0; i < 8; i++) {
      Projection p = frame.camera().project(box.corner(i));
      at[i] = new double[] {p.u() * w, p.v() * h};
    }
    g.setStroke(new BasicStroke(1f));
    g.setColor(EDGE);
    for (int[] edge : Box3.EDGES) {
      line(g, at[edge[0]], at[edge[1]]);
    }
    g.setStroke(new BasicStroke(2.5f));
    for (int axis = 0; axis < 3; axis++) {
      g.setColor(AXES[axis]);
      line(g, at[0], at[AXIS_ENDS[axis]]);
    }
  }

  private static void line(Graphics2D g, double[] from, double[] to) {
    g.draw(new Line2D.Double(from[0], from[1], to[0], to[1]));
  }

  private static void drawBox2(Graphics2D g, BufferedImage image, Box2 box, String name) {
    int w = image.getWidth();
    int h = image.getHeight();
    int x0 = (int) Math.round(box.x0() * w);
    int y0 = (int) Math.round(box.y0() * h);
    int x1 = (int) Math.round(box.x1() * w) - 1;
    int y1 = (int) Math.round(box.y1() * h) - 1;
    g.setStroke(new BasicStroke(1f));
    g.setColor(FLAT);
    g.drawRect(x0, y0, x1 - x0, y1 - y0);
    // Inside the frame, whatever the box does.
    int tx = Math.clamp(x0, 1, Math.max(1, w - PixelFont.width(name, 1) - 1));
    int ty = Math.max(1, y0 - PixelFont.HEIGHT - 2);
    PixelFont.draw(image, name, tx + 1, ty + 1, 1, 0x000000);
    PixelFont.draw(image, name, tx, ty, 1, 0xFFDC00);
  }
}
