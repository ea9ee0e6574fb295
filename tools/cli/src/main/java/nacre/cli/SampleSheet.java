package nacre.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import nacre.cli.output.Sheet;
import nacre.cli.output.Upscaling;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.edit.ShowEdits;

/**
 * The sheet that demonstrates a model: a row for each scene, a column for each edit.
 *
 * @param title above it
 * @param pictures draws the pictures
 * @param truth source of ground truth, for a second row for each scene; null for none
 * @param images rows for each scene, with seeds in a row
 */
record SampleSheet(String title, SamplePictures pictures, Scenes truth, int images) {
  /** Tiles in front of a row's edits: source, target, reconstruction. */
  static final int BEFORE_EDITS = 3;

  private static final int TILE = 128;
  private static final List<String> COLUMNS =
      List.of(
          "source",
          "target",
          "reconstruction",
          "translate",
          "rotate",
          "resize",
          "remove",
          "replace",
          "background");

  /** One column: its heading, and one list of edits a row; null where a scene allows none. */
  private record Column(String heading, List<List<Edit>> edits) {}

  /**
   * Every kind of edit for each scene.
   *
   * @param views the scenes; the next of the list, or of {@code donors}, provides objects and
   *     background
   * @param donors scenes that provide them for the last of the views
   */
  Sheet ofAllEdits(List<SceneView> views, List<SceneView> donors) throws IOException {
    List<Column> columns = new ArrayList<>();
    for (String heading : COLUMNS.subList(2, COLUMNS.size())) {
      columns.add(new Column(heading, new ArrayList<>()));
    }
    for (int row = 0; row < views.size(); row++) {
      SceneView view = views.get(row);
      SceneView donor = row + 1 < views.size() ? views.get(row + 1) : donors.getFirst();
      Optional<String> object = ShowEdits.clearest(view);
      for (Column column : columns) {
        List<Edit> edits = edits(column.heading, view, donor, object);
        column.edits.add(edits != null && pictures.canDraw(edits) ? edits : null);
      }
    }
    return draw(views, columns);
  }

  private static List<Edit> edits(
      String heading, SceneView view, SceneView donor, Optional<String> object) {
    if (heading.equals("reconstruction")) {
      return List.of();
    }
    if (heading.equals("background")) {
      return List.of(new Edit.Background(donor.name()));
    }
    if (object.isEmpty()) {
      return null;
    }
    String name = object.get();
    return switch (heading) {
      case "translate" -> List.of(ShowEdits.translate(view, name));
      case "rotate" -> List.of(new Edit.Rotate(name, 90, null));
      case "resize" -> List.of(new Edit.Resize(name, 0.7));
      case "remove" -> List.of(new Edit.Remove(name));
      default ->
          ShowEdits.clearest(donor)
              .map(
                  lent -> List.<Edit>of(new Edit.Replace(name, new Edit.Donor(donor.name(), lent))))
              .orElse(null);
    };
  }

  /**
   * The user's own edits of one scene, a column each.
   *
   * @param texts headings of the edits
   */
  Sheet ofEdits(SceneView view, List<String> texts, List<List<Edit>> edits) throws IOException {
    List<Column> columns = new ArrayList<>();
    columns.add(new Column("reconstruction", List.of(List.of())));
    for (int i = 0; i < edits.size(); i++) {
      columns.add(new Column(texts.get(i), List.of(edits.get(i))));
    }
    return draw(List.of(view), columns);
  }

  private Sheet draw(List<SceneView> views, List<Column> columns) throws IOException {
    List<SamplePictures.Order> orders = new ArrayList<>();
    for (int row = 0; row < views.size(); row++) {
      for (int later = 0; later < images; later++) {
        for (Column column : columns) {
          List<Edit> edits = column.edits.get(row);
          if (edits != null) {
            orders.add(new SamplePictures.Order(views.get(row), edits, later));
          }
        }
      }
    }
    List<BufferedImage> drawn = pictures.draw(orders);
    List<String> headings = new ArrayList<>(COLUMNS.subList(0, 2));
    columns.forEach(column -> headings.add(column.heading));
    List<Sheet.Row> rows = new ArrayList<>();
    int next = 0;
    for (int row = 0; row < views.size(); row++) {
      SceneView view = views.get(row);
      for (int later = 0; later < images; later++) {
        List<Sheet.Tile> tiles = new ArrayList<>();
        tiles.add(Sheet.Tile.of(SamplePictures.frame(view, view.source())));
        tiles.add(Sheet.Tile.of(SamplePictures.frame(view, view.target())));
        for (Column column : columns) {
          List<Edit> edits = column.edits.get(row);
          tiles.add(
              edits == null ? Sheet.Tile.EMPTY : new Sheet.Tile(drawn.get(next++), caption(edits)));
        }
        String seed = images == 1 ? "" : ", seed " + pictures.seed(later);
        rows.add(new Sheet.Row("scene " + view.name() + seed, tiles));
      }
      if (truth != null) {
        rows.add(trueRow(view, columns, row));
      }
    }
    int scale = Sheet.scaleFor(drawn.getFirst(), TILE);
    return new Sheet(title, headings, rows, scale, Upscaling.NEAREST);
  }

  /** The ground truth of the pictures above, except those that use other scenes. */
  private Sheet.Row trueRow(SceneView view, List<Column> columns, int row) throws IOException {
    List<Sheet.Tile> tiles = new ArrayList<>(List.of(Sheet.Tile.EMPTY, Sheet.Tile.EMPTY));
    for (Column column : columns) {
      List<Edit> edits = column.edits.get(row);
      Optional<BufferedImage> real = edits == null ? Optional.empty() : truth.truth(view, edits);
      tiles.add(real.map(Sheet.Tile::of).orElse(Sheet.Tile.EMPTY));
    }
    return new Sheet.Row("as rendered", tiles);
  }

  static String caption(List<Edit> edits) {
    return edits.stream().map(SampleSheet::describe).collect(Collectors.joining("; "));
  }

  private static String describe(Edit edit) {
    return switch (edit) {
      case Edit.Translate e -> e.object();
      case Edit.Rotate e -> String.format(Locale.ROOT, "%s %.0f°", e.object(), e.degrees());
      case Edit.Resize e -> String.format(Locale.ROOT, "%s × %.2g", e.object(), e.factor());
      case Edit.Remove e -> e.object();
      case Edit.Duplicate e -> e.object() + " as " + e.as();
      case Edit.Replace e -> e.object() + " by " + e.by().object();
      case Edit.Background e -> "of scene " + e.scene();
      case Edit.MoveCamera _ -> "camera";
    };
  }
}
