package nacre.weights;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Atomic creation of a folder of several files (a checkpoint: model, optimizer, random state),
 * which appears under its name complete or not at all.
 */
public final class AtomicFolder {
  private AtomicFolder() {}

  /**
   * Lets {@code content} fill a hidden sibling of {@code target}, forces every file in it to the
   * disk and renames it to {@code target}. A folder cannot replace another in one step, therefore
   * {@code target} must not exist: give each checkpoint its own name and delete old ones with
   * {@link #delete} afterwards.
   *
   * @throws FileAlreadyExistsException if {@code target} exists
   * @throws IOException in one sentence that names the target and the reason
   */
  public static void write(Path target, AtomicFile.Content<Path> content) throws IOException {
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    try (Staging staging = Staging.beside(target)) {
      Files.createDirectory(staging.path());
      content.writeTo(staging.path());
      Staging.syncTree(staging.path());
      staging.moveTo(target);
    } catch (IOException e) {
      throw Staging.failure(target, e);
    }
  }

  /**
   * Deletes a folder so that no reader ever finds half of it under its name: renamed away first,
   * then emptied. Absence is fine.
   */
  public static void delete(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Staging staging = Staging.beside(folder)) {
      staging.takeAway(folder);
    }
  }
}
