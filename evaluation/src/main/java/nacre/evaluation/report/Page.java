package nacre.evaluation.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;

/**
 * An HTML page with its style in it: a heading, a line or two, links to the sections, and what they
 * hold.
 *
 * @param lead what stands below the heading
 * @param sections headings by their identities, in the order of the page
 */
record Page(String title, Html lead, Map<String, String> sections) {
  /** The whole page around its content, which has the sections' headings itself. */
  String around(Html content) throws IOException {
    Html links = new Html();
    sections.forEach((id, name) -> links.add("<li><a href=\"#%s\">%s</a></li>\n", id, name));
    return new Html()
        .add(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>%s</title>
            <style>
            %s</style>
            </head>
            <body>
            <header>
            <h1>%s</h1>
            <p>%s</p>
            <nav aria-label="Contents"><ul>
            %s</ul></nav>
            </header>
            <main>
            %s</main>
            </body>
            </html>
            """,
            title, new Html().add(style()), title, lead, links, content)
        .toString();
  }

  private static String style() throws IOException {
    try (InputStream in = Page.class.getResourceAsStream("report.css")) {
      return new String(in.readAllBytes(), UTF_8);
    }
  }
}
