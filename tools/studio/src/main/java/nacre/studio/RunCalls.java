package nacre.studio;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;

/** The calls about training runs. */
final class RunCalls {
  private final Runs runs;

  RunCalls(Studio studio) {
    this.runs = studio.runs();
  }

  void register(RoutesConfig routes) {
    routes.get("/api/presets", request -> Answers.json(request, PresetForm.json()));
    routes.get("/api/runs", request -> Answers.json(request, runs.list()));
    routes.post("/api/runs", this::start);
    routes.get(
        "/api/runs/{id}", request -> Answers.json(request, runs.find(request.pathParam("id"))));
    routes.post("/api/runs/{id}/stop", this::stop);
    routes.post("/api/runs/{id}/resume", this::resume);
    routes.get("/api/runs/{id}/sheets/{file}", this::sheet);
  }

  private void start(Context request) throws IOException {
    request.status(201);
    Answers.json(request, runs.start(Asked.of(request)));
  }

  private void stop(Context request) throws IOException {
    request.status(202);
    Answers.json(request, runs.stop(request.pathParam("id")));
  }

  private void resume(Context request) throws IOException {
    request.status(202);
    Answers.json(request, runs.resume(request.pathParam("id")));
  }

  private void sheet(Context request) throws IOException {
    request
        .contentType("image/png")
        .result(runs.sheet(request.pathParam("id"), request.pathParam("file")));
  }
}
