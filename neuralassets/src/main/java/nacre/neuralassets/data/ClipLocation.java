package nacre.neuralassets.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A data set as users name it: {@code NAME:LOCATION}, where NAME is that of a {@link
 * ClipSourceProvider}, or a path whose kind one of them recognizes.
 *
 * @param provider the kind of data set
 * @param location where it is, which only the provider understands
 */
public record ClipLocation(ClipSourceProvider provider, String location) {
  private static final Pattern NAMED = Pattern.compile("([a-z][a-z0-9-]+):(.*)", Pattern.DOTALL);

  /** The endless stream of rendered scenes. */
  public static ClipLocation rendered() {
    return new ClipLocation(new RenderedClips.Provider(), "");
  }

  /**
   * Parses a location as written by a user. A path that no provider recognizes is taken for scene
   * folders, whose reader explains what is wrong with it.
   *
   * @throws IOException in one line, if there is no provider of that name, or several recognize the
   *     path
   */
  public static ClipLocation parse(String text) throws IOException {
    List<ClipSourceProvider> providers = providers();
    Matcher named = NAMED.matcher(text);
    if (named.matches()) {
      for (ClipSourceProvider provider : providers) {
        if (provider.name().equals(named.group(1))) {
          return new ClipLocation(provider, absolute(named.group(2)));
        }
      }
      if (!Files.exists(Path.of(text))) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "there is no data source '%s'; there are %s",
                named.group(1),
                names(providers)));
      }
    }
    Path path = Path.of(text).toAbsolutePath().normalize();
    List<ClipSourceProvider> able = providers.stream().filter(p -> p.recognizes(path)).toList();
    if (able.size() > 1) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s could be any of %s; put the right name and a colon before it",
              text,
              names(able)));
    }
    return new ClipLocation(
        able.isEmpty() ? new StoredClips.Provider() : able.getFirst(), path.toString());
  }

  private static String absolute(String location) {
    return !location.isEmpty() && Files.exists(Path.of(location))
        ? Path.of(location).toAbsolutePath().normalize().toString()
        : location;
  }

  private static String names(List<ClipSourceProvider> providers) {
    return String.join(", ", providers.stream().map(ClipSourceProvider::name).sorted().toList());
  }

  private static List<ClipSourceProvider> providers() {
    List<ClipSourceProvider> providers = new ArrayList<>();
    ServiceLoader.load(ClipSourceProvider.class, ClipLocation.class.getClassLoader())
        .forEach(providers::add);
    return providers;
  }

  /** Whether this is the stream of rendered scenes. */
  public boolean isRendered() {
    return provider instanceof RenderedClips.Provider;
  }

  /**
   * Opens the data set.
   *
   * @throws IOException in one line, if it is missing or damaged
   */
  public ClipSource open(ClipSourceProvider.Request request) throws IOException {
    return provider.open(location, request);
  }

  /** The text from which {@link #parse} makes the same location, whatever the working directory. */
  @Override
  public String toString() {
    return provider instanceof StoredClips.Provider ? location : provider.name() + ":" + location;
  }
}
