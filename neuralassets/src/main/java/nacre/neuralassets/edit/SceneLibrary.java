package nacre.neuralassets.edit;

import java.io.IOException;

/** Finds the scenes that edits name: numbers or folders. */
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
