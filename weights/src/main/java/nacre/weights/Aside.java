package nacre.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Files and folders that are in the way, kept under another name rather than deleted. */
public final class Aside {
  private Aside() {}

  /**
   * Renames a file or folder: {@code .aside} is added to its name, or {@code .aside-2} and so on
   * where that is taken.
   *
   * @return what it is called now
   */
  public static Path move(Path path) throws IOException {
    Path aside = path.resolveSibling(path.getFileName() + ".aside");
    for (int n = 2; Files.exists(aside, LinkOption.NOFOLLOW_LINKS); n++) {
      aside = path.resolveSibling(path.getFileName() + ".aside-" + n);
    }
    return Files.move(path, aside);
  }
}
