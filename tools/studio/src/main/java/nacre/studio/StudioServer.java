package nacre.studio;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.SizeUnit;
import io.javalin.http.Context;
import io.javalin.http.ExceptionHandler;
import io.javalin.http.HttpResponseException;
import jakarta.servlet.ServletException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.channels.ClosedChannelException;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import nacre.cli.Failure;
import nacre.cli.options.UserException;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** The web server: its limits, its calls and what it says of failures. */
final class StudioServer implements AutoCloseable {
  /** Kept, or Java would forget the levels. */
  private static final Logger[] LOGGERS = {
    Logger.getLogger("org.eclipse.jetty"), Logger.getLogger("io.javalin")
  };

  private static final long MOST_JSON = 1 << 20;

  private final Address address;
  private final Limits limits;
  private final Studio studio;
  private final Connections connections;
  private final Javalin web;

  private StudioServer(StudioSettings settings) throws IOException {
    for (Logger logger : LOGGERS) {
      logger.setLevel(Level.SEVERE);
    }
    this.address = settings.address();
    this.limits = settings.limits();
    this.connections = new Connections(limits.connections(), limits.perAddress());
    this.studio = new Studio(settings);
    this.web = Javalin.create(this::configure);
  }

  /** Starts a server, which answers when this returns. */
  static StudioServer start(StudioSettings settings) throws IOException {
    StudioServer server = new StudioServer(settings);
    try {
      server.web.start();
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
    config.jetty.modifyServer(this::guard);
    config.jetty.addConnector(this::connector);
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
        Refusal.class,
        ifThere((e, request) -> Answers.refuse(request, e.status(), e.getMessage())));
    config.routes.exception(HttpResponseException.class, ifThere(StudioServer::refuse));
    config.routes.exception(Exception.class, ifThere(StudioServer::explain));
  }

  /**
   * Answers nobody where Jetty has taken a request back, as at its end it does with streams: what
   * then fails in here Javalin would hand in again, for ever.
   */
  private static <E extends Exception> ExceptionHandler<E> ifThere(ExceptionHandler<E> answer) {
    return (e, request) -> {
      try {
        if (isThere(request)) {
          answer.handle(e, request);
        }
      } catch (RuntimeException meanwhile) {
        if (isThere(request)) {
          throw meanwhile;
        }
      }
    };
  }

  private static boolean isThere(Context request) {
    try {
      return request.req().getMethod() != null;
    } catch (NullPointerException e) { // the only way in which Jetty tells
      return false;
    }
  }

  /** Puts the limits of connections before all that is served. */
  private void guard(Server server) {
    connections.setHandler(new SlowBodies(limits.bodyPatience()));
    server.setHandler(connections);
  }

  private Connector connector(Server server, HttpConfiguration http) {
    ServerConnector connector = new ServerConnector(server, new HttpConnectionFactory(http));
    connector.setHost(address.host());
    connector.setPort(address.port());
    connector.addBean(connections);
    return connector;
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
    Optional<Refusal> body = ofBody(e);
    if (body.isPresent()) {
      Answers.refuse(request, body.get().status(), body.get().getMessage());
    } else if (Failure.isExplained(e)) {
      Answers.refuse(request, 400, Failure.describe(e));
    } else {
      e.printStackTrace();
      Answers.refuse(request, 500, "a fault of Nacre's: " + Failure.describe(e));
    }
  }

  /** What was wrong with the body, wherever in reading it that was noticed. */
  private static Optional<Refusal> ofBody(Exception e) {
    Refusal found = null;
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      switch (cause) {
        case SlowBodies.SlowBodyException slow -> found = new Refusal(408, slow.getMessage());
        case ClosedChannelException _, EofException _ ->
            found = Refusal.bad("the connection ended before the body did");
        case EOFException _ when e instanceof ServletException ->
            found = Refusal.bad("the form is malformed: it ends too early");
        case HttpException http when http.getCode() < 500 ->
            found = new Refusal(http.getCode(), "the form is malformed: " + reason(http));
        default -> {}
      }
    }
    return Optional.ofNullable(found);
  }

  private static String reason(HttpException e) {
    return Asked.brief(String.valueOf(e.getReason()));
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

  /** How many connections are open. */
  int connections() {
    return connections.count();
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
