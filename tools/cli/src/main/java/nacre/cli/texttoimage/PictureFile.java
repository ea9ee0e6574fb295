package nacre.cli.texttoimage;

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
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;
import nacre.cli.options.UserException;
import nacre.neuralassets.scene.PngFile;

/**
 * Reads picture files as diffusers does through Pillow: upright where the file says how the camera
 * was held, CMYK turned into RGB, and color profiles passed over.
 */
final class PictureFile {
  private static final int CMYK_CHANNELS = 4;

  /** The value of Adobe's marker for CMY stored as luminance and chrominance. */
  private static final int YCCK = 2;

  private PictureFile() {}

  /**
   * Reads a picture of any format that Java reads; PNG and JPEG are among them.
   *
   * @throws UserException if there is none
   */
  static Picture read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UserException(file + ": no such file");
    }
    byte[] bytes = Files.readAllBytes(file);
    try {
      Metadata metadata = metadata(bytes);
      Picture picture = isCmyk(metadata) ? cmyk(bytes, isYcck(metadata)) : rgb(bytes);
      if (picture != null) {
        return picture.upright(orientation(metadata));
      }
    } catch (IOException | RuntimeException | ImageProcessingException e) {
      throw new UserException(file + ": is damaged (" + e.getMessage() + ")", e);
    }
    throw new UserException(file + ": is no picture that can be read; PNG and JPEG can");
  }

  /** Only what is needed is parsed, so that texts packed into a file are never unpacked. */
  private static Metadata metadata(byte[] bytes) throws IOException, ImageProcessingException {
    var in = new ByteArrayInputStream(bytes);
    FileType type = FileTypeDetector.detectFileType(in);
    return switch (type) {
      case Jpeg ->
          JpegMetadataReader.readMetadata(
              in, List.of(new JpegReader(), new AdobeJpegReader(), new ExifReader()));
      case Tiff -> TiffMetadataReader.readMetadata(in);
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

  private static boolean isCmyk(Metadata metadata) {
    var jpeg = metadata.getFirstDirectoryOfType(JpegDirectory.class);
    var channels = jpeg == null ? null : jpeg.getInteger(JpegDirectory.TAG_NUMBER_OF_COMPONENTS);
    return channels != null && channels == CMYK_CHANNELS;
  }

  private static boolean isYcck(Metadata metadata) {
    var adobe = metadata.getFirstDirectoryOfType(AdobeJpegDirectory.class);
    var transform = adobe == null ? null : adobe.getInteger(AdobeJpegDirectory.TAG_COLOR_TRANSFORM);
    return transform != null && transform == YCCK;
  }

  private static Picture rgb(byte[] bytes) throws IOException {
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(bytes));
    return image == null
        ? null
        : new Picture(PngFile.rgb(image), image.getWidth(), image.getHeight());
  }

  /** What is stored is the paper that shows: 255 for no ink, as every program writes it. */
  private static Picture cmyk(byte[] jpeg, boolean ycck) throws IOException {
    Raster raster = raster(jpeg);
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] rgb = new byte[3 * width * height];
    int[] row = new int[CMYK_CHANNELS * width];
    for (int y = 0; y < height; y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int x = 0; x < width; x++) {
        int at = CMYK_CHANNELS * x;
        int black = row[at + 3];
        for (int channel = 0; channel < 3; channel++) {
          int ink =
              ycck
                  ? unpackedInk(channel, row[at], row[at + 1] - 128, row[at + 2] - 128)
                  : 255 - row[at + channel];
          rgb[3 * (y * width + x) + channel] = (byte) (black - product(ink, black));
        }
      }
    }
    return new Picture(rgb, width, height);
  }

  private static Raster raster(byte[] jpeg) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName("jpeg").next();
    try (var in = new MemoryCacheImageInputStream(new ByteArrayInputStream(jpeg))) {
      reader.setInput(in, true, true);
      return reader.readRaster(0, null);
    } finally {
      reader.dispose();
    }
  }

  /** From luminance and chrominance, ITU-R BT.601 in full range (JFIF 1.02). */
  private static int unpackedInk(int channel, int luma, int blue, int red) {
    double value =
        switch (channel) {
          case 0 -> luma + 1.402 * red;
          case 1 -> luma - 0.344136 * blue - 0.714136 * red;
          default -> luma + 1.772 * blue;
        };
    return Math.clamp(Math.round(value), 0, 255);
  }

  /** {@code a × b / 255}, rounded. */
  private static int product(int a, int b) {
    return (2 * a * b + 255) / 510;
  }
}
