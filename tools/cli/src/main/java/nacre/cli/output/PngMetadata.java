package nacre.cli.output;

import static javax.imageio.metadata.IIOMetadataFormatImpl.standardMetadataFormatName;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import javax.imageio.IIOException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import nacre.weights.AtomicFile;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * PNG files with text metadata: the seed, the steps, the edits of the picture. Latin-1 goes into
 * {@code tEXt} chunks, which every viewer shows, the rest into {@code iTXt}.
 */
public final class PngMetadata {
  private static final String FORMAT = "javax_imageio_png_1.0";

  private PngMetadata() {}

  /**
   * Writes a picture, replacing the file in one step.
   *
   * @param texts by keyword, 1 to 79 Latin-1 characters each
   */
  public static void write(Path file, BufferedImage picture, Map<String, String> texts)
      throws IOException {
    byte[] png = encode(picture, texts);
    AtomicFile.write(file, out -> out.write(png));
  }

  /** The bytes of a PNG file. */
  public static byte[] encode(BufferedImage picture, Map<String, String> texts) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    try {
      IIOMetadata metadata =
          writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(picture), null);
      if (!texts.isEmpty()) {
        metadata.mergeTree(FORMAT, tree(texts));
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
        writer.setOutput(out);
        writer.write(new IIOImage(picture, null, metadata));
      }
      return bytes.toByteArray();
    } finally {
      writer.dispose();
    }
  }

  private static IIOMetadataNode tree(Map<String, String> texts) {
    IIOMetadataNode plain = new IIOMetadataNode("tEXt");
    IIOMetadataNode international = new IIOMetadataNode("iTXt");
    texts.forEach(
        (keyword, text) -> {
          if (!keyword.matches("[ -~¡-ÿ]{1,79}")) {
            throw new IllegalArgumentException(
                "PNG keyword '" + keyword + "' is not 1 to 79 Latin-1 characters");
          }
          if (StandardCharsets.ISO_8859_1.newEncoder().canEncode(text)) {
            IIOMetadataNode entry = new IIOMetadataNode("tEXtEntry");
            entry.setAttribute("keyword", keyword);
            entry.setAttribute("value", text);
            plain.appendChild(entry);
          } else {
            IIOMetadataNode entry = new IIOMetadataNode("iTXtEntry");
            entry.setAttribute("keyword", keyword);
            entry.setAttribute("compressionFlag", "FALSE");
            entry.setAttribute("compressionMethod", "0");
            entry.setAttribute("languageTag", "");
            entry.setAttribute("translatedKeyword", "");
            entry.setAttribute("text", text);
            international.appendChild(entry);
          }
        });
    IIOMetadataNode root = new IIOMetadataNode(FORMAT);
    if (plain.hasChildNodes()) {
      root.appendChild(plain);
    }
    if (international.hasChildNodes()) {
      root.appendChild(international);
    }
    return root;
  }

  /**
   * Reads the texts of a PNG file by keyword.
   *
   * @throws IOException in one sentence if the file is missing or not a PNG
   */
  public static Map<String, String> read(Path file) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      if (in == null) {
        throw new IOException(String.format(Locale.ROOT, "cannot read %s: no such file", file));
      }
      reader.setInput(in);
      Map<String, String> texts = new LinkedHashMap<>();
      var root = (IIOMetadataNode) reader.getImageMetadata(0).getAsTree(standardMetadataFormatName);
      NodeList entries = root.getElementsByTagName("TextEntry");
      for (int i = 0; i < entries.getLength(); i++) {
        Element entry = (Element) entries.item(i);
        texts.put(entry.getAttribute("keyword"), entry.getAttribute("value"));
      }
      return texts;
    } catch (IIOException e) {
      throw new IOException(
          String.format(Locale.ROOT, "cannot read %s: %s", file, e.getMessage()), e);
    } finally {
      reader.dispose();
    }
  }
}
