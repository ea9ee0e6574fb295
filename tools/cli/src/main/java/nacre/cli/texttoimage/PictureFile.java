package nacre.cli.texttoimage;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.drew.imaging.FileType;
import com.drew.imaging.FileTypeDetector;
import com.drew.imaging.ImageProcessingException;
import com.drew.imaging.jpeg.JpegMetadataReader;
import com.drew.imaging.png.PngChunkReader;
import com.drew.imaging.png.PngChunkType;
import com.drew.imaging.tiff.TiffMetadataReader;
import com.drew.lang.ByteArrayReader;
import com.drew.lang.StreamReader;
import com.drew.metadata.Metadata;
import com.drew.metadata.adobe.AdobeJpegDirectory;
import com.drew.metadata.adobe.AdobeJpegReader;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import com.drew.metadata.jpeg.JpegDirectory;
import com.drew.metadata.jpeg.JpegReader;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;
import nacre.cli.options.UserException;
import nacre.diffusion.image.RgbImage;
import nacre.neuralassets.scene.PngFile;
import nacre.weights.NearName;

/**
 * A reader of picture files, equal to diffusers' with Pillow: rotated upright by the Exif
 * orientation, CMYK converted to RGB, color profiles ignored.
 */
public final class PictureFile {
  private static final int CMYK_CHANNELS = 4;

  /** Pillow's limit; a damaged size would take all memory. */
  private static final long MOST_PIXELS = 178_956_970;

  /**
   * What a picture takes of the heap while it goes from its file to the model: as decoded, as RGB,
   * and as Java's image made of it.
   */
  private static final int BYTES_PER_PIXEL = 11;

  /** The value of Adobe's marker for CMY stored as luminance and chrominance. */
  private static final int YCCK = 2;

  /** The encoding of CMYK in a file, 8 bits each. */
  private enum Storage {
    /** 255 for all ink: TIFF. */
    INK,
    /** 255 for the bare paper, black too: JPEG, as every program writes it. */
    PAPER,
    /** As {@link #PAPER}, with CMY turned into luminance and chrominance: JPEG of Adobe's. */
    LUMA;

    int ink(int channel, int[] stored) {
      return switch (this) {
        case INK -> stored[channel];
        case PAPER -> 255 - stored[channel];
        case LUMA -> {
          int blue = stored[1] - 128;
          int red = stored[2] - 128;
          double value = // ITU-R BT.601 in full range, as in JFIF 1.02
              switch (channel) {
                case 0 -> stored[0] + 1.402 * red;
                case 1 -> stored[0] - 0.344136 * blue - 0.714136 * red;
                default -> stored[0] + 1.772 * blue;
              };
          yield Math.clamp(Math.round(value), 0, 255);
        }
      };
    }
  }

  private PictureFile() {}

  /**
   * Reads a picture of any format that Java reads; PNG and JPEG are among them.
   *
   * @throws UserException if there is none
   */
  static Picture read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UserException(
          file
              + (Files.isDirectory(file)
                  ? ": is a folder, a picture is wanted"
                  : Files.exists(file)
                      ? ": is no ordinary file, a picture is wanted"
                      : ": no such file" + NearName.hint(file)));
    }
    return read(Files.readAllBytes(file), file.toString(), MOST_PIXELS);
  }

  /**
   * Decodes a picture of any format that Java reads, upright.
   *
   * @param name of the picture, for messages
   * @param mostPixels that are decoded
   * @throws UserException if it is none, damaged or too large, in one line
   */
  public static BufferedImage decode(byte[] bytes, String name, long mostPixels) {
    return read(bytes, name, mostPixels).toImage();
  }

  private static Picture read(byte[] bytes, String file, long mostPixels) {
    try {
      Metadata metadata = metadata(bytes);
      Picture picture = decode(bytes, metadata, mostPixels);
      if (picture != null) {
        return picture.upright(orientation(metadata));
      }
    } catch (UserException e) {
      throw new UserException(file + ": " + e.getMessage(), e);
    } catch (IOException | RuntimeException | ImageProcessingException e) {
      throw new UserException(file + ": is damaged (" + e.getMessage() + ")", e);
    }
    throw new UserException(
        file
            + unread(bytes)
                .map(
                    format ->
                        ": is a "
                            + format
                            + " picture, which is not read: convert it to PNG or JPEG")
                .orElse(": is no picture that can be read; PNG and JPEG can"));
  }

  /** The name of a picture's format that is common and has no reader here. */
  private static Optional<String> unread(byte[] bytes) {
    String start = new String(bytes, 0, Math.min(bytes.length, 12), ISO_8859_1);
    if (start.startsWith("RIFF") && start.endsWith("WEBP")) {
      return Optional.of("WebP");
    }
    if (start.matches("(?s).{4}ftypavi[fs]")) {
      return Optional.of("AVIF");
    }
    if (start.matches("(?s).{4}ftyp(hei.|hev.|mif1|msf1)")) {
      return Optional.of("HEIC");
    }
    return start.startsWith("8BPS") ? Optional.of("Photoshop") : Optional.empty();
  }

  /** Only what is needed is parsed, so that texts packed into a file are never unpacked. */
  private static Metadata metadata(byte[] bytes) throws IOException, ImageProcessingException {
    var in = new ByteArrayInputStream(bytes);
    FileType type = FileTypeDetector.detectFileType(in);
    return switch (type) {
      case Jpeg ->
          JpegMetadataReader.readMetadata(
              in, List.of(new JpegReader(), new AdobeJpegReader(), new ExifReader()));
      case Tiff, Arw -> TiffMetadataReader.readMetadata(in);
      case Png -> {
        Metadata metadata = new Metadata();
        Set<PngChunkType> wanted = Set.of(PngChunkType.eXIf);
        for (var chunk : new PngChunkReader().extract(new StreamReader(in), wanted)) {
          new ExifReader().extract(new ByteArrayReader(chunk.getBytes()), metadata);
        }
        yield metadata;
      }
      default -> new Metadata();
    };
  }

  private static int orientation(Metadata metadata) {
    return metadata.getDirectoriesOfType(ExifIFD0Directory.class).stream()
        .map(exif -> exif.getInteger(ExifIFD0Directory.TAG_ORIENTATION))
        .filter(value -> value != null && value >= 1 && value <= 8)
        .findFirst()
        .orElse(1);
  }

  private static boolean isCmykJpeg(Metadata metadata) {
    var jpeg = metadata.getFirstDirectoryOfType(JpegDirectory.class);
    var channels = jpeg == null ? null : jpeg.getInteger(JpegDirectory.TAG_NUMBER_OF_COMPONENTS);
    return channels != null && channels == CMYK_CHANNELS;
  }

  private static Storage storage(Metadata metadata) {
    var adobe = metadata.getFirstDirectoryOfType(AdobeJpegDirectory.class);
    var transform = adobe == null ? null : adobe.getInteger(AdobeJpegDirectory.TAG_COLOR_TRANSFORM);
    return transform != null && transform == YCCK ? Storage.LUMA : Storage.PAPER;
  }

  private static Picture decode(byte[] bytes, Metadata metadata, long mostPixels)
      throws IOException {
    try (var in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        return null;
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
        if (pixels > mostPixels) {
          throw new IOException(pixels + " pixels, the most are " + mostPixels);
        }
        long needed = BYTES_PER_PIXEL * pixels + bytes.length;
        long most = Runtime.getRuntime().maxMemory() / 5 * 4; // the rest is for all else
        if (needed > most) {
          throw new UserException(
              String.format(
                  Locale.ROOT,
                  "is too large: %d pixels take %d MB, the Java heap has room for %d; scale the"
                      + " picture down, or set NACRE_JAVA_OPTS=-Xmx%dg",
                  pixels,
                  needed / 1_000_000,
                  most / 1_000_000,
                  needed / 1_000_000_000 + 2));
        }
        if (isCmykJpeg(metadata)) {
          return cmyk(reader.readRaster(0, null), storage(metadata));
        }
        BufferedImage image = reader.read(0);
        return image.getColorModel().getColorSpace().getType() == ColorSpace.TYPE_CMYK
            ? cmyk(image.getRaster(), Storage.INK)
            : new Picture(
                PngFile.rgb(image), image.getWidth(), image.getHeight(), RgbImage.isOpaque(image));
      } finally {
        reader.dispose();
      }
    }
  }

  private static Picture cmyk(Raster raster, Storage storage) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    int surplus = raster.getSampleModel().getSampleSize(0) - 8;
    byte[] rgb = new byte[3 * width * height];
    int[] pixel = new int[raster.getNumBands()];
    for (int i = 0; i < width * height; i++) {
      raster.getPixel(i % width, i / width, pixel);
      for (int band = 0; band < CMYK_CHANNELS; band++) {
        pixel[band] >>= surplus;
      }
      int paper = storage == Storage.INK ? 255 - pixel[3] : pixel[3];
      for (int channel = 0; channel < 3; channel++) {
        rgb[3 * i + channel] = (byte) (paper - product(storage.ink(channel, pixel), paper));
      }
    }
    return new Picture(rgb, width, height, true);
  }

  /** {@code a × b / 255}, rounded. */
  private static int product(int a, int b) {
    return (2 * a * b + 255) / 510;
  }
}
