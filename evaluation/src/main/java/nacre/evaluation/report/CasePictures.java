package nacre.evaluation.report;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.Locale;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import nacre.evaluation.EditCase;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Vec3;

/** A case of a report: what is edited in words, and pictures beside each other. */
final class CasePictures {
  private final EditCase one;
  private final Html html = new Html();

  /** Begins with the source frame and the true picture. */
  CasePictures(EditCase one) throws IOException {
    this.one = one;
    html.add("<section class=\"case\"><h3>%s</h3>\n", one.id());
    html.add("<p class=\"soft\">%s</p>\n<div class=\"pictures\">\n", told(one));
    picture(one.view().clip().rgb(one.view().source()), "source", "Source", new Html());
    picture(one.truth(), "truth", "Truth", new Html());
  }

  /** The picture that a method drew, with its values. */
  void drawn(String method, byte[] rgb, Html values) throws IOException {
    picture(rgb, "drawn by " + method, method, values);
  }

  /** A method that has no picture of the case. */
  void none(String method, String why) {
    html.add("<figure><figcaption>%s: %s</figcaption></figure>\n", method, why);
  }

  /** The case with all its pictures. */
  Html all() {
    return html.add("</div></section>\n");
  }

  private void picture(byte[] rgb, String what, String caption, Html values) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(PngFile.image(rgb, one.size(), one.size()), "png", png);
    html.add(
        "<figure><img width=\"%s\" height=\"%s\" alt=\"%s, %s\" src=\"data:image/png;base64,%s\">",
        one.size(),
        one.size(),
        one.id(),
        what,
        Base64.getEncoder().encodeToString(png.toByteArray()));
    html.add("<figcaption>%s%s</figcaption></figure>\n", caption, values);
  }

  private static String told(EditCase one) {
    if (one.edits().isEmpty()) {
      return String.format(
          Locale.ROOT,
          "%s, frame %d to frame %d",
          one.kind(),
          one.view().source(),
          one.view().target());
    }
    return one.edits().stream().map(CasePictures::told).collect(Collectors.joining("; "));
  }

  /** An edit as the command line takes it, with two digits. */
  private static String told(Edit edit) {
    return switch (edit) {
      case Edit.Translate(String object, Vec3 by) ->
          String.format(Locale.ROOT, "translate %s %.2f %.2f %.2f", object, by.x(), by.y(), by.z());
      case Edit.Rotate(String object, double degrees, Vec3 axis) ->
          String.format(Locale.ROOT, "rotate %s %.0f", object, degrees)
              + (axis == null
                  ? ""
                  : String.format(Locale.ROOT, " %.2f %.2f %.2f", axis.x(), axis.y(), axis.z()));
      case Edit.Resize(String object, double factor) ->
          String.format(Locale.ROOT, "resize %s %.2f", object, factor);
      case Edit.Remove(String object) -> "remove " + object;
      case Edit.Duplicate(String object, String as) -> "duplicate " + object + " " + as;
      case Edit.Replace(String object, Edit.Donor by) ->
          "replace " + object + " " + by.scene() + ":" + by.object();
      case Edit.Background(String scene) -> "background " + scene;
      case Edit.MoveCamera(Vec3 by, double left, double raised) ->
          String.format(
              Locale.ROOT, "camera %.2f %.2f %.2f %.0f %.0f", by.x(), by.y(), by.z(), left, raised);
    };
  }
}
