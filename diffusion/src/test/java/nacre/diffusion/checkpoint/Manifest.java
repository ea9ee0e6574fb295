package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import nacre.tensor.Shape;

/**
 * All tensors of a published model in both dialects, as diffusers converts one to the other. Made
 * by {@code tools/lab/reference/export_manifests.py}.
 *
 * @param rows by component, one for each tensor of the single file
 * @param leftover what the single file holds besides
 */
record Manifest(Map<Component, List<Row>> rows, Map<String, Shape> leftover) {

  private static final Shape WIDE = Shape.of(320, 9, 3, 3);

  /**
   * A tensor of the single file and what it becomes.
   *
   * @param original its name in the single file
   * @param shape its shape there
   * @param names one name in diffusers, or the names of its parts
   * @param partShape the shape of each
   */
  record Row(String original, Shape shape, List<String> names, Shape partShape) {}

  /** A base model's, and with it that of its inpainting model, whose first convolution is wider. */
  static Manifest of(Family family) {
    return switch (family) {
      case SD_1_5_INPAINTING -> of(Family.SD_1_5).widened();
      case SD_2_INPAINTING -> of(Family.SD_2_1_BASE).widened();
      default -> read(family);
    };
  }

  private Manifest widened() {
    Map<Component, List<Row>> wide = new LinkedHashMap<>(rows);
    List<Row> unet = new ArrayList<>(rows.get(Component.UNET));
    unet.replaceAll(
        row ->
            row.original.equals("model.diffusion_model.input_blocks.0.0.weight")
                ? new Row(row.original, WIDE, row.names, WIDE)
                : row);
    wide.put(Component.UNET, unet);
    return new Manifest(wide, leftover);
  }

  private static Manifest read(Family family) {
    try (InputStream in =
        new GZIPInputStream(Manifest.class.getResourceAsStream(family + ".manifest.json.gz"))) {
      JsonNode json = new ObjectMapper().readTree(in);
      Map<Component, List<Row>> rows = new LinkedHashMap<>();
      for (Component component : Component.values()) {
        List<Row> list = new ArrayList<>();
        for (JsonNode row : json.get(component.folder())) {
          List<String> names = new ArrayList<>();
          row.get(2).forEach(name -> names.add(name.textValue()));
          list.add(new Row(row.get(0).textValue(), shape(row.get(1)), names, shape(row.get(3))));
        }
        rows.put(component, list);
      }
      Map<String, Shape> leftover = new LinkedHashMap<>();
      json.get("leftover").forEach(row -> leftover.put(row.get(0).textValue(), shape(row.get(1))));
      return new Manifest(rows, leftover);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Shape shape(JsonNode dims) {
    int[] extents = new int[dims.size()];
    for (int i = 0; i < extents.length; i++) {
      extents[i] = dims.get(i).intValue();
    }
    return Shape.of(extents);
  }

  /** Names and shapes of a component in diffusers. */
  Map<String, Shape> present(Component component) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    rows.get(component).forEach(row -> row.names.forEach(name -> shapes.put(name, row.partShape)));
    return shapes;
  }

  /** Names and shapes of the whole single file. */
  Map<String, Shape> original() {
    Map<String, Shape> shapes = new LinkedHashMap<>(leftover);
    rows.values().forEach(list -> list.forEach(row -> shapes.put(row.original, row.shape)));
    return shapes;
  }
}
