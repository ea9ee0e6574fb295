package nacre.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Advice on models of the Hugging Face hub that are given by name, address or cache folder. */
final class HubModel {
  /** As much of an address or a name as says which model is meant. */
  private static final Pattern NAME =
      Pattern.compile(
          "(?:https?:/{1,2}(?:www\\.)?(huggingface\\.co|hf\\.co)/)?([\\w.-]+/[\\w.-]+)(/.*)?");

  private static final int MOST_SNAPSHOTS = 3;

  private HubModel() {}

  /**
   * The end of a message on a path that is not there, if it looks like a model of the hub: how to
   * download it.
   */
  static Optional<String> hint(Path missing) {
    String text = missing.toString();
    Matcher name = NAME.matcher(text.replace('\\', '/'));
    boolean address = name.matches() && name.group(1) != null;
    if (!name.matches() || !address && (name.group(3) != null || isHere(missing))) {
      return Optional.empty();
    }
    String id = name.group(2);
    return Optional.of(
        String.format(
            Locale.ROOT,
            "; nothing is downloaded here: fetch it with: hf download %s --local-dir %s, and give"
                + " that folder",
            id,
            id.substring(id.indexOf('/') + 1)));
  }

  /** Whether the path's first folder is there, so that a path is meant and not a name. */
  private static boolean isHere(Path path) {
    return Files.exists(path.getName(0)) || path.startsWith(".") || path.startsWith("..");
  }

  /** The end of a message on a folder of the hub's cache: its snapshots, which are the models. */
  static String snapshots(Path folder) throws IOException {
    Path snapshots = folder.resolve("snapshots");
    if (!Files.isDirectory(snapshots)) {
      return "";
    }
    try (Stream<Path> found = Files.list(snapshots)) {
      List<Path> models = found.filter(Files::isDirectory).sorted().toList();
      if (models.isEmpty()) {
        return "; it is a cache of the Hugging Face hub that holds no model: download it again";
      }
      return "; it is a cache of the Hugging Face hub, give the model in it: "
          + models.stream()
              .limit(MOST_SNAPSHOTS)
              .map(Path::toString)
              .collect(Collectors.joining(" or "))
          + (models.size() > MOST_SNAPSHOTS
              ? String.format(Locale.ROOT, " or %d more", models.size() - MOST_SNAPSHOTS)
              : "");
    }
  }
}
