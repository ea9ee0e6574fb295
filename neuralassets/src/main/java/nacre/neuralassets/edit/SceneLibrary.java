package nacre.neuralassets.edit;

import java.io.IOException;

/** A library of scenes by the names that edits use: numbers or folders. */
@FunctionalInterface
public interface SceneLibrary {
  /**
   * The scene of a name.
   *
   * @throws EditException if there is none
   * @throws IOException if it cannot be read
   */
  SceneView view(String name) throws IOException;
}
