package nacre.studio;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;

/** The calls about jobs and about what they made. */
final class JobCalls {
  private static final int MOST_RESULTS = 1000;
  private static final int USUAL_RESULTS = 100;

  private final Studio studio;

  JobCalls(Studio studio) {
    this.studio = studio;
  }

  void register(RoutesConfig routes) {
    routes.get("/api/jobs", request -> Answers.json(request, studio.jobs().json()));
    routes.get(
        "/api/jobs/{id}",
        request ->
            Answers.json(request, studio.jobs().json(studio.jobs().find(request.pathParam("id")))));
    routes.delete(
        "/api/jobs/{id}",
        request ->
            Answers.json(
                request, studio.jobs().json(studio.jobs().cancel(request.pathParam("id")))));
    routes.get("/api/jobs/{id}/picture", this::picture);
    routes.sse(
        "/api/events", client -> studio.events().join(client, () -> studio.jobs().pending()));
    routes.get("/api/history", this::history);
    routes.get(
        "/api/results/{id}",
        request -> Answers.json(request, studio.history().find(request.pathParam("id"))));
    routes.delete("/api/results/{id}", this::remove);
    routes.get("/api/results/{id}/image.png", request -> image(request, "png"));
    routes.get("/api/results/{id}/image.gif", request -> image(request, "gif"));
    routes.get("/api/results/{id}/edits.json", this::edits);
  }

  private void picture(Context request) {
    byte[] png = studio.jobs().find(request.pathParam("id")).picture();
    if (png == null) {
      throw Refusal.missing("this job has no picture yet, or it lies with its result");
    }
    request.contentType("image/png").result(png);
  }

  private void history(Context request) throws IOException {
    int count = Answers.integer(request, "count", 1, MOST_RESULTS, USUAL_RESULTS);
    Answers.json(request, studio.history().newest(count));
  }

  private void remove(Context request) throws IOException {
    studio.history().remove(request.pathParam("id"));
    request.status(204);
  }

  private void image(Context request, String ending) throws IOException {
    byte[] bytes = studio.history().picture(request.pathParam("id"), ending);
    request.header("Cache-Control", "private, max-age=86400");
    request.contentType("image/" + ending).result(bytes);
  }

  private void edits(Context request) throws IOException {
    JsonNode edits = studio.history().find(request.pathParam("id")).at("/settings/edits");
    if (!(edits instanceof ArrayNode)) {
      throw Refusal.missing("this result was not drawn from edits");
    }
    request.header("Content-Disposition", "attachment; filename=\"edits.json\"");
    Answers.json(request, edits);
  }
}
