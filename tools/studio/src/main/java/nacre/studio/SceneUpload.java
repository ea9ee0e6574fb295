package nacre.studio;

import io.javalin.http.Context;
import io.javalin.http.UploadedFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.neuralassets.scene.SceneFormatException;
import nacre.neuralassets.scene.SceneReader;

/** The call that takes a scene folder, file by file, and keeps it if it is one. */
final class SceneUpload {
  private static final Pattern FILE =
      Pattern.compile("scene\\.json|(?:frame|segmentation)_\\d{3,6}\\.png");

  private static final int UPLOADS_AT_ONCE = 4;
  private static final int MOST_FILES = 1000;
  private static final long MOST_PIXELS = 4096 * 4096;

  private final Studio studio;
  private final Semaphore uploads = new Semaphore(UPLOADS_AT_ONCE);

  SceneUpload(Studio studio) {
    this.studio = studio;
  }

  /** Takes the folder; files in it that are none of a scene's are passed over. */
  void take(Context request) throws IOException {
    if (!uploads.tryAcquire()) {
      throw new Refusal(503, "other uploads are under way: try again in a moment");
    }
    try {
      keep(request);
    } finally {
      uploads.release();
    }
  }

  private void keep(Context request) throws IOException {
    String type = String.valueOf(request.contentType()).toLowerCase(Locale.ROOT);
    if (!type.startsWith("multipart/form-data")) {
      throw new Refusal(
          415, "a scene folder comes as multipart/form-data, each of its files in a part \"file\"");
    }
    List<UploadedFile> files = request.uploadedFiles("file");
    if (files.isEmpty() || files.size() > MOST_FILES) {
      throw Refusal.bad(
          "a scene folder has 1 to " + MOST_FILES + " files, each in a part \"file\"");
    }
    Path uploads = Files.createDirectories(studio.out().resolve("uploads"));
    Path folder = Files.createTempDirectory(uploads, "scene");
    try {
      String name = "scene";
      for (UploadedFile file : files) {
        String[] path = file.filename().split("[/\\\\]");
        if (FILE.matcher(path[path.length - 1]).matches()) {
          try (InputStream in = file.content()) {
            Files.copy(in, folder.resolve(path[path.length - 1]));
          }
          name = path.length > 1 ? path[path.length - 2] : name;
        }
      }
      check(folder);
      synchronized (studio.scenes()) {
        studio.scenes().space().require(DiskSpace.bytes(folder), "saved scenes");
        name = studio.scenes().free(name);
        Files.createDirectories(studio.scenes().folder(name).getParent());
        Files.move(folder, studio.scenes().folder(name));
      }
      request.status(201);
      Answers.json(request, Asked.MAPPER.createObjectNode().put("id", SceneShelf.OWN + "~" + name));
    } finally {
      remove(folder);
    }
  }

  private static void check(Path folder) throws IOException {
    try {
      int[] size = SceneReader.size(folder);
      if ((long) size[0] * size[1] > MOST_PIXELS) {
        throw Refusal.bad("the scene's frames have more than 4096 by 4096 pixels: scale them down");
      }
      SceneReader.read(folder);
    } catch (SceneFormatException e) {
      // Where it lies meanwhile is nothing to the user.
      throw Refusal.bad("no scene folder: " + e.getMessage().replace(folder + "/", ""));
    }
  }

  private static void remove(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : (Iterable<Path>) files::iterator) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }
}
