package nacre.studio;

import com.drew.imaging.ImageProcessingException;
import com.drew.imaging.jpeg.JpegMetadataReader;
import com.drew.metadata.Directory;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifReader;
import com.drew.metadata.exif.ExifSubIFDDirectory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import nacre.cli.texttoimage.PictureFile;
import nacre.weights.AtomicFile;
import nacre.weights.Sha256;

/** The photos that were uploaded: upright, no larger than is of use, by a digest of their bytes. */
final class Photos {
  static final int MOST_MEGABYTES = 32;
  static final long MOST_BYTES = MOST_MEGABYTES << 20;
  static final long MOST_PIXELS = 50_000_000;

  /** Longer sides are scaled down to this; models see less. */
  private static final int LONGEST_SIDE = 2048;

  /** The longer side of the film to which focal lengths are converted, in millimeters. */
  private static final double FILM = 36;

  private static final int ID_LENGTH = 16;
  private static final Pattern ID = Pattern.compile("[0-9a-f]{" + ID_LENGTH + "}");

  private final DiskSpace space;

  Photos(DiskSpace space) {
    this.space = space;
  }

  /** Keeps a photo; one at a time is decoded, since each may take half a gigabyte meanwhile. */
  synchronized ObjectNode keep(byte[] bytes) throws IOException {
    BufferedImage whole = PictureFile.decode(bytes, "the photo", MOST_PIXELS);
    BufferedImage picture = Pictures.within(whole, LONGEST_SIDE);
    String id = Sha256.of(bytes).substring(0, ID_LENGTH);
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("id", id).put("width", picture.getWidth()).put("height", picture.getHeight());
    OptionalDouble focal = focalLength(bytes);
    int longer = Math.max(picture.getWidth(), picture.getHeight());
    if (focal.isPresent()) {
      json.put("focalLength", focal.getAsDouble() * longer / picture.getWidth());
    } else {
      json.putNull("focalLength");
    }
    json.put("url", "/api/photos/" + id);
    Files.createDirectories(space.folder());
    byte[] png = Pictures.png(picture);
    space.makeRoom(png.length);
    AtomicFile.write(file(id), out -> out.write(png));
    return json;
  }

  /** The focal length that a JPEG's Exif gives, in longer sides of the picture. */
  private static OptionalDouble focalLength(byte[] bytes) {
    Metadata metadata;
    try {
      metadata =
          JpegMetadataReader.readMetadata(
              new ByteArrayInputStream(bytes), List.of(new ExifReader()));
    } catch (ImageProcessingException | IOException | RuntimeException e) {
      return OptionalDouble.empty(); // another format
    }
    for (Directory exif : metadata.getDirectoriesOfType(ExifSubIFDDirectory.class)) {
      Double film = exif.getDoubleObject(ExifSubIFDDirectory.TAG_35MM_FILM_EQUIV_FOCAL_LENGTH);
      if (film != null && film > 1 && film < 5000) {
        return OptionalDouble.of(film / FILM);
      }
    }
    return OptionalDouble.empty();
  }

  /** A photo as PNG. */
  synchronized byte[] png(String id) throws IOException {
    Path file = ID.matcher(id).matches() ? file(id) : null;
    if (file == null || !Files.isRegularFile(file)) {
      throw Refusal.missing("there is no photo " + Asked.brief(id) + "; upload it first");
    }
    DiskSpace.used(file);
    return Files.readAllBytes(file);
  }

  private Path file(String id) {
    return space.folder().resolve(id + ".png");
  }
}
