package nacre.cli.texttoimage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.cli.options.Seed;
import nacre.cli.options.UserException;

/** The files of a prompt's pictures, each named by the prompt's first words and its seed. */
final class PictureNames {
  private static final int LETTERS = 40;

  private final Path folder;
  private final String words;
  private final Seed first;

  /**
   * The names of a prompt's pictures.
   *
   * @param first seed
   */
  PictureNames(Path folder, String prompt, Seed first) {
    this.folder = folder;
    this.words = words(prompt);
    this.first = first;
  }

  private static String words(String prompt) {
    String words = prompt.replaceAll("[^\\p{L}\\p{N}]+", "-").replaceAll("^-|-$", "");
    // Code points, since half of one is no name of a file.
    String few =
        words.codePointCount(0, words.length()) <= LETTERS
            ? words
            : words.substring(0, words.offsetByCodePoints(0, LETTERS)).replaceAll("-[^-]*$", "");
    return few.isEmpty() ? "image" : few;
  }

  /** The seed of a picture, as a user would give it. */
  Seed seed(long bits) {
    return first.plus(bits - first.bits());
  }

  /** The file of the picture with a seed. */
  Path file(long bits) {
    return folder.resolve(words + "-" + seed(bits) + ".png");
  }

  /**
   * Makes the folder, and makes sure that all files can be written, so that no picture is lost
   * after it was drawn.
   *
   * @throws IOException if one cannot be written
   */
  void check(int pictures) throws IOException {
    Files.createDirectories(folder);
    for (int i = 0; i < pictures; i++) {
      Path file = file(first.bits() + i);
      if (Files.isDirectory(file) || Files.exists(file) && !Files.isWritable(file)) {
        throw new UserException(file + ": is where the picture goes, and cannot be written");
      }
      if (!Files.exists(file)) {
        Files.delete(Files.createFile(file));
      }
    }
  }
}
