package nacre.studio;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import nacre.tensor.Device;

/** A server with the model that comes with Nacre, or others, at a free port, and its client. */
final class TestStudio implements AutoCloseable {
  static final Path DEMO = Path.of("../../models/demo");
  static final Path TINY_SD = Path.of("../cli/src/test/resources/tiny-sd");

  private final StudioServer server;
  private final HttpClient client = HttpClient.newHttpClient();

  TestStudio(Path out, Path... models) throws IOException {
    this(out, Address.of("127.0.0.1", 0, null), models);
  }

  TestStudio(Path out, Address address, Path... models) throws IOException {
    this(out, address, Limits.USUAL, models);
  }

  TestStudio(Path out, Address address, Limits limits, Path... models) throws IOException {
    server =
        StudioServer.start(
            new StudioSettings(address, out, List.of(models), List.of(), Device.of("cpu"), limits));
  }

  /** The client of a server, which ends with it. */
  TestStudio(StudioServer server) {
    this.server = server;
  }

  StudioServer server() {
    return server;
  }

  URI at(String path) {
    URI page = server.page();
    return URI.create("http://" + page.getHost() + ":" + page.getPort() + path);
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(at(path)).timeout(Duration.ofSeconds(60));
  }

  HttpResponse<byte[]> send(HttpRequest.Builder request) throws IOException, InterruptedException {
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }

  JsonNode get(String path) throws IOException, InterruptedException {
    return json(send(request(path)), 200);
  }

  byte[] bytes(String path) throws IOException, InterruptedException {
    return send(request(path)).body();
  }

  JsonNode post(String path, String body, int status) throws IOException, InterruptedException {
    return json(
        send(
            request(path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))),
        status);
  }

  private static JsonNode json(HttpResponse<byte[]> answer, int status) throws IOException {
    JsonNode json = Asked.MAPPER.readTree(answer.body());
    if (answer.statusCode() != status) {
      throw new AssertionError(answer.statusCode() + ", not " + status + ": " + json);
    }
    return json;
  }

  /** Asks for something to be drawn, and waits for the job's end. */
  JsonNode draw(String path, String body) throws IOException, InterruptedException {
    return ended(post(path, body, 202).get("job").textValue());
  }

  /** Waits for a job's end. */
  JsonNode ended(String job) throws IOException, InterruptedException {
    server.studio().jobs().find(job).await();
    return get("/api/jobs/" + job);
  }

  @Override
  public void close() {
    client.close();
    server.close();
  }
}
