package nacre.studio;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.SizeUnit;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.logging.Level;
import java.util.logging.Logger;
import nacre.cli.Failure;
import nacre.cli.options.UserException;

/** The web server: its limits, its calls and what it says of failures. */
final class StudioServer implements AutoCloseable {
  /** Kept, or Java would forget the levels. */
  private static final Logger[] LOGGERS = {
    Logger.getLogger("org.eclipse.jetty"), Logger.getLogger("io.javalin")
  };

  private static final long MOST_JSON = 1 << 20;

  private final Address address;
  private final Studio studio;
  private final Javalin web;

  private StudioServer(StudioSettings settings) throws IOException {
    for (Logger logger : LOGGERS) {
      logger.setLevel(Level.SEVERE);
    }
    this.address = settings.address();
    this.studio = new Studio(settings);
    this.web = Javalin.create(this::configure);
  }

  /** Starts a server, which answers when this returns. */
  static StudioServer start(StudioSettings settings) throws IOException {
    StudioServer server = new StudioServer(settings);
    try {
      server.web.start(server.address.host(), server.address.port());
    } catch (RuntimeException e) {
      server.close();
      throw new UserException(
          server.address.host()
              + ":"
              + server.address.port()
              + " cannot be listened at, another program may: give another --port",
          e);
    }
    return server;
  }

  private void configure(JavalinConfig config) {
    config.startup.showJavalinBanner = false;
    config.startup.showOldJavalinVersionWarning = false;
    config.startup.startupWatcherEnabled = false;
    config.concurrency.useVirtualThreads = true;
    config.http.maxRequestSize = MOST_JSON;
    config.jetty.multipartConfig.maxFileSize(Photos.MOST_MEGABYTES, SizeUnit.MB);
    config.jetty.multipartConfig.maxTotalRequestSize(2 * Photos.MOST_MEGABYTES, SizeUnit.MB);
    config.jetty.multipartConfig.maxInMemoryFileSize(1, SizeUnit.MB);
    config.http.generateEtags = true;
    config.http.prefer405over404 = true;
    Guard guard = new Guard(address);
    config.routes.before(guard::check);
    config.routes.get("/openapi.yaml", StudioServer::openApi);
    new StateCalls(studio).register(config.routes);
    new SceneCalls(studio).register(config.routes);
    new DrawCalls(studio).register(config.routes);
    new JobCalls(studio).register(config.routes);
    new PhotoCalls(studio).register(config.routes);
    new RunCalls(studio).register(config.routes);
    new TextCalls(studio).register(config.routes);
    config.routes.get("/", PageFiles::serve);
    config.routes.get("/<path>", PageFiles::serve);
    config.routes.exception(
        Refusal.class, (e, request) -> Answers.refuse(request, e.status(), e.getMessage()));
    config.routes.exception(HttpResponseException.class, StudioServer::refuse);
    config.routes.exception(Exception.class, StudioServer::explain);
  }

  /** What the web server itself refuses. */
  private static void refuse(HttpResponseException e, Context request) {
    String message =
        switch (e.getStatus()) {
          case 404 -> "there is no such call; /openapi.yaml lists the calls";
          case 405 -> "this call has another method; /openapi.yaml lists the calls";
          case 413 -> "the body is too large: at most 1 MiB of JSON, or 32 MiB of a picture";
          default -> Asked.brief(String.valueOf(e.getMessage()));
        };
    Answers.refuse(request, e.getStatus(), message);
  }

  /** A mistake of the user's is told; all else is a fault of this program. */
  private static void explain(Exception e, Context request) {
    if (Failure.isExplained(e)) {
      Answers.refuse(request, 400, Failure.describe(e));
    } else {
      e.printStackTrace();
      Answers.refuse(request, 500, "a fault of Nacre's: " + Failure.describe(e));
    }
  }

  private static void openApi(Context request) throws IOException {
    try (InputStream in = StudioServer.class.getResourceAsStream("openapi.yaml")) {
      request.contentType("application/yaml").result(in.readAllBytes());
    }
  }

  /** The address of the page, with the token if there is one. */
  URI page() {
    String token = address.token() == null ? "" : "?token=" + address.token();
    return URI.create("http://" + address.host() + ":" + web.port() + "/" + token);
  }

  /** Everything that the calls share. */
  Studio studio() {
    return studio;
  }

  @Override
  public void close() {
    studio.close();
    web.stop();
  }
}
