package nacre.studio;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.regex.Pattern;

/** The page's files, which lie in the jar. */
final class PageFiles {
  private static final String FOLDER = "/nacre/studio/page/";
  private static final Pattern NAME =
      Pattern.compile("([A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+(\\.[a-z0-9]+)+");

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "json", "application/json",
          "svg", "image/svg+xml",
          "png", "image/png",
          "woff2", "font/woff2",
          "webmanifest", "application/manifest+json");

  private PageFiles() {}

  /** Answers with the file of the request's path, the page itself for the root. */
  static void serve(Context request) throws IOException {
    String path = request.path().equals("/") ? "index.html" : request.path().substring(1);
    String ending = path.substring(path.lastIndexOf('.') + 1);
    byte[] bytes = NAME.matcher(path).matches() && TYPES.containsKey(ending) ? read(path) : null;
    if (bytes == null) {
      throw Refusal.missing("there is no such page or call here; /openapi.yaml lists the calls");
    }
    request.contentType(TYPES.get(ending));
    request.result(bytes);
  }

  private static byte[] read(String path) throws IOException {
    try (InputStream in = PageFiles.class.getResourceAsStream(FOLDER + path)) {
      return in == null ? null : in.readAllBytes();
    }
  }
}
