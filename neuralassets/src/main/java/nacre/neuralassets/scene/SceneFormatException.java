package nacre.neuralassets.scene;

import java.io.IOException;
import java.nio.file.Path;

/** The error of a malformed scene folder: the file, the place in it, the problem and the remedy. */
public final class SceneFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Path file;
  private final String place;

  /**
   * Makes the message {@code FILE: PLACE: PROBLEM; REMEDY} of its parts.
   *
   * @param place JSON path such as {@code $.objects[1].name}; empty if it concerns the whole file
   */
  public SceneFormatException(Path file, String place, String problem, String remedy) {
    super(file + ": " + (place.isEmpty() ? "" : place + ": ") + problem + "; " + remedy);
    this.file = file;
    this.place = place;
  }

  /** Returns the file or folder with the error. */
  public Path file() {
    return file;
  }

  /** Returns the JSON path of the value with the error, empty if it concerns the whole file. */
  public String place() {
    return place;
  }
}
