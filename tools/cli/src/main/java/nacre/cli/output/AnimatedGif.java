package nacre.cli.output;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import nacre.weights.AtomicFile;

/** A writer of GIF animations that repeat forever, in 256 colors chosen for all frames together. */
public final class AnimatedGif {
  private static final String STREAM_FORMAT = "javax_imageio_gif_stream_1.0";
  private static final String IMAGE_FORMAT = "javax_imageio_gif_image_1.0";

  /**
   * The strength of dithering: full strength flickers between frames, none leaves bands in skies.
   * Pixels enlarged to squares are not dithered: dots in them would show, and enlarge the file.
   */
  private static final double DITHER = 0.6;

  private AnimatedGif() {}

  /**
   * Writes a file, replacing it in one step.
   *
   * @param frames all of one size
   * @param delay how long each frame stays, in steps of 10 ms; browsers slow down below 20 ms
   * @param scale whole factor by which every frame is enlarged
   */
  public static void write(
      Path file, List<BufferedImage> frames, Duration delay, int scale, Upscaling upscaling)
      throws IOException {
    byte[] gif = encode(frames, delay, scale, upscaling);
    AtomicFile.write(file, out -> out.write(gif));
  }

  /** The bytes of such a file. */
  public static byte[] encode(
      List<BufferedImage> frames, Duration delay, int scale, Upscaling upscaling)
      throws IOException {
    check(frames, delay);
    List<BufferedImage> large = frames.stream().map(f -> upscaling.apply(f, scale)).toList();
    Palette palette = Palette.of(large);
    ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
    double dither = upscaling == Upscaling.NEAREST && scale > 1 ? 0 : DITHER;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.prepareWriteSequence(streamMetadata(writer, large.getFirst(), palette.colorModel()));
      for (int i = 0; i < large.size(); i++) {
        BufferedImage indexed = palette.apply(large.get(i), dither);
        writer.writeToSequence(
            new IIOImage(indexed, null, imageMetadata(writer, indexed, delay, i == 0)), null);
      }
      writer.endWriteSequence();
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  private static void check(List<BufferedImage> frames, Duration delay) {
    if (frames.isEmpty()) {
      throw new IllegalArgumentException("an animation without frames");
    }
    if (delay.toMillis() < 10 || delay.toMillis() > 655_350) {
      throw new IllegalArgumentException("frame delay " + delay + " is not in 10 ms to 655 s");
    }
    BufferedImage first = frames.getFirst();
    for (BufferedImage frame : frames) {
      if (frame.getWidth() != first.getWidth() || frame.getHeight() != first.getHeight()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "animation frames of different sizes: %d×%d and %d×%d",
                first.getWidth(),
                first.getHeight(),
                frame.getWidth(),
                frame.getHeight()));
      }
    }
  }

  /** Screen size and the one color table that all frames share. */
  private static IIOMetadata streamMetadata(
      ImageWriter writer, BufferedImage frame, IndexColorModel colors) throws IOException {
    IIOMetadataNode screen = new IIOMetadataNode("LogicalScreenDescriptor");
    set(screen, "logicalScreenWidth", frame.getWidth());
    set(screen, "logicalScreenHeight", frame.getHeight());
    set(screen, "colorResolution", 8);
    set(screen, "pixelAspectRatio", 0);
    IIOMetadataNode table = new IIOMetadataNode("GlobalColorTable");
    set(table, "sizeOfGlobalColorTable", colors.getMapSize());
    set(table, "backgroundColorIndex", 0);
    table.setAttribute("sortFlag", "FALSE");
    for (int i = 0; i < colors.getMapSize(); i++) {
      IIOMetadataNode entry = new IIOMetadataNode("ColorTableEntry");
      set(entry, "index", i);
      set(entry, "red", colors.getRed(i));
      set(entry, "green", colors.getGreen(i));
      set(entry, "blue", colors.getBlue(i));
      table.appendChild(entry);
    }
    IIOMetadataNode root = new IIOMetadataNode(STREAM_FORMAT);
    root.appendChild(screen);
    root.appendChild(table);
    IIOMetadata metadata = writer.getDefaultStreamMetadata(null);
    metadata.mergeTree(STREAM_FORMAT, root);
    return metadata;
  }

  private static IIOMetadata imageMetadata(
      ImageWriter writer, BufferedImage frame, Duration delay, boolean first) throws IOException {
    IIOMetadataNode control = new IIOMetadataNode("GraphicControlExtension");
    control.setAttribute("disposalMethod", "doNotDispose");
    control.setAttribute("userInputFlag", "FALSE");
    control.setAttribute("transparentColorFlag", "FALSE");
    set(control, "transparentColorIndex", 0);
    set(control, "delayTime", (int) (delay.toMillis() / 10));
    IIOMetadataNode root = new IIOMetadataNode(IMAGE_FORMAT);
    root.appendChild(control);
    if (first) {
      IIOMetadataNode loop = new IIOMetadataNode("ApplicationExtension");
      loop.setAttribute("applicationID", "NETSCAPE");
      loop.setAttribute("authenticationCode", "2.0");
      loop.setUserObject(new byte[] {1, 0, 0}); // repeat 0 times: forever
      IIOMetadataNode extensions = new IIOMetadataNode("ApplicationExtensions");
      extensions.appendChild(loop);
      root.appendChild(extensions);
    }
    IIOMetadata metadata =
        writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(frame), null);
    metadata.mergeTree(IMAGE_FORMAT, root);
    return metadata;
  }

  private static void set(IIOMetadataNode node, String name, int value) {
    node.setAttribute(name, Integer.toString(value));
  }
}
