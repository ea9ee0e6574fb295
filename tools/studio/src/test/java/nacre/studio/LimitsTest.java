package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that take too much: of connections, of time, of the disk. */
class LimitsTest {
  private static final Limits SMALL = new Limits(40, 20, Duration.ofMillis(200), 100_000, 100_000);

  private static final String STREAM =
      "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n";

  @TempDir private static Path out;
  private static TestStudio studio;

  @BeforeAll
  static void start() throws IOException {
    studio = new TestStudio(out, Address.of("127.0.0.1", 0, null), SMALL, TestStudio.DEMO);
  }

  @AfterAll
  static void stop() {
    studio.close();
  }

  private static Socket connected(String from) throws IOException {
    int port = studio.at("/").getPort();
    return new Socket(InetAddress.getByName("127.0.0.1"), port, InetAddress.getByName(from), 0);
  }

  private static String head(String path, String type, long length) {
    return "POST "
        + path
        + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: "
        + type
        + "\r\nContent-Length: "
        + length
        + "\r\n\r\n";
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/api/draw application/json",
        "/api/photos image/png",
        "/api/photos multipart/form-data; boundary=x",
        "/api/scenes multipart/form-data; boundary=x",
        "/api/text-to-image application/json",
        "/sdapi/v1/img2img application/json"
      })
  @Timeout(30)
  void aBodyOfAByteAtATimeIsEnded(String call) throws Exception {
    String path = call.substring(0, call.indexOf(' '));
    String type = call.substring(call.indexOf(' ') + 1);
    try (Socket socket = connected("127.0.0.1")) {
      OutputStream to = socket.getOutputStream();
      to.write(head(path, type, 1000).getBytes(StandardCharsets.US_ASCII));
      int sent = 0;
      try {
        while (sent < 1000 && socket.getInputStream().available() == 0) {
          to.write("--x\r\nContent-Disposition: form-data; ".charAt(Math.min(sent, 30)));
          to.flush();
          sent++;
          Thread.sleep(20);
        }
      } catch (IOException e) {
        // Closed meanwhile: what it said can be read still.
      }
      String answer = read(socket);
      assertTrue(answer.startsWith("HTTP/1.1 408 "), () -> answer);
      assertTrue(answer.contains("\"error\":\"the body came with less than"), () -> answer);
      int bytes = sent;
      assertTrue(bytes < 500, () -> bytes + " bytes were taken");
    }
    assertEquals("demo", studio.get("/api/state").at("/model/name").textValue());
  }

  private static String read(Socket socket) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try {
      socket.setSoTimeout(20_000);
      socket.getInputStream().transferTo(all);
    } catch (IOException e) {
      // Closed with something unread; what came before counts.
    }
    return all.toString(StandardCharsets.UTF_8);
  }

  /** Those that say nothing, those whose head and those whose body have no end. */
  @ParameterizedTest
  @ValueSource(strings = {"", "GET /api/state HTT", "BODY"})
  @Timeout(60)
  void connectionsOfOneAddressKeepNobodyOut(String said) throws Exception {
    String text = said.equals("BODY") ? head("/api/draw", "application/json", 1000) : said;
    List<Socket> many = new ArrayList<>();
    try {
      for (int i = 0; i < 60; i++) {
        Socket socket = connected(i % 3 == 0 ? "127.0.0.2" : "127.0.0.3");
        many.add(socket);
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
      }
      assertEquals("demo", studio.get("/api/state").at("/model/name").textValue());
      assertTrue(studio.server().connections() <= SMALL.connections());
      assertEquals(
          "done",
          studio.draw("/api/draw", "{\"scene\":\"3\",\"preview\":true}").get("state").textValue());
      many.getFirst().setSoTimeout(10_000);
      assertEquals(-1, many.getFirst().getInputStream().read(), "the oldest was closed");
    } finally {
      for (Socket socket : many) {
        socket.close();
      }
    }
  }

  /** Streams that are reset while messages go to them: what is left of one would go on for ever. */
  @Test
  @Timeout(60)
  void listenersThatAreGoneAreForgotten() throws Exception {
    Events events = studio.server().studio().events();
    try (Sender _ = new Sender(events)) {
      for (int round = 0; round < 30; round++) {
        for (Socket stream : streams(studio, 10)) {
          stream.setSoLinger(true, 0);
          stream.close();
        }
      }
      assertNobodyListens(events);
    }
  }

  /** The same where it is the server that ends. */
  @Test
  @Timeout(60)
  void aServerThatEndsForgetsItsListeners(@TempDir Path own) throws Exception {
    for (int round = 0; round < 5; round++) {
      TestStudio other =
          new TestStudio(own, Address.of("127.0.0.1", 0, null), SMALL, TestStudio.DEMO);
      Events events = other.server().studio().events();
      try (Sender _ = new Sender(events)) {
        List<Socket> streams = streams(other, 15);
        other.close();
        assertNobodyListens(events);
        for (Socket stream : streams) {
          stream.close();
        }
      }
    }
  }

  private static List<Socket> streams(TestStudio studio, int count) throws IOException {
    List<Socket> streams = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Socket socket = new Socket("127.0.0.1", studio.at("/").getPort());
      streams.add(socket);
      socket.getOutputStream().write(STREAM.getBytes(StandardCharsets.US_ASCII));
      assertTrue(socket.getInputStream().read() >= 0, "it is answered");
    }
    return streams;
  }

  private static void assertNobodyListens(Events events) throws InterruptedException {
    for (int i = 0; i < 200 && events.listeners() > 0; i++) {
      Thread.sleep(100);
    }
    assertEquals(0, events.listeners());
  }

  /** Sends messages all the time. */
  private static final class Sender implements AutoCloseable {
    private final AtomicBoolean over = new AtomicBoolean();
    private final Thread thread;

    private Sender(Events events) {
      thread = Thread.ofPlatform().start(() -> send(events));
    }

    private void send(Events events) {
      while (!over.get()) {
        events.send("job", JsonNodeFactory.instance.objectNode());
        LockSupport.parkNanos(300_000);
      }
    }

    @Override
    public void close() {
      over.set(true);
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  @Timeout(60)
  void whatIsBeingAnsweredIsNotClosedForOthers() throws Exception {
    try (Socket listener = connected("127.0.0.2")) {
      listener.getOutputStream().write(STREAM.getBytes(StandardCharsets.US_ASCII));
      listener.setSoTimeout(20_000);
      assertEquals('H', listener.getInputStream().read());
      List<Socket> many = new ArrayList<>();
      try {
        for (int i = 0; i < 60; i++) {
          many.add(connected("127.0.0.2"));
        }
        studio.draw("/api/draw", "{\"scene\":\"3\",\"preview\":true}");
        StringBuilder told = new StringBuilder();
        while (!told.toString().contains("\"done\"")) {
          told.append((char) listener.getInputStream().read());
        }
      } finally {
        for (Socket socket : many) {
          socket.close();
        }
      }
    }
  }

  private static byte[] noise(int seed) {
    BufferedImage picture = new BufferedImage(100, 100, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(seed);
    for (int i = 0; i < 10_000; i++) {
      picture.setRGB(i % 100, i / 100, random.nextInt());
    }
    return Pictures.png(picture);
  }

  private static JsonNode photo(int seed) throws Exception {
    HttpResponse<byte[]> answer =
        studio.send(
            studio
                .request("/api/photos")
                .header("Content-Type", "image/png")
                .POST(BodyPublishers.ofByteArray(noise(seed))));
    assertEquals(201, answer.statusCode());
    return Asked.MAPPER.readTree(answer.body());
  }

  @Test
  void photosThatWereLongestNotUsedMakeRoomForOthers() throws Exception {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      String id = photo(i).get("id").textValue();
      ids.add(id);
      // Later ones were used later, whatever the clock of the disk.
      Files.setLastModifiedTime(
          out.resolve("photos/" + id + ".png"), FileTime.fromMillis(1_000_000L * (i + 1)));
    }
    assertEquals(200, studio.send(studio.request("/api/photos/" + ids.get(0))).statusCode());
    ids.add(photo(3).get("id").textValue());
    assertTrue(DiskSpace.bytes(out.resolve("photos")) <= SMALL.photoBytes());
    List<Integer> found = new ArrayList<>();
    for (String id : ids) {
      found.add(studio.send(studio.request("/api/photos/" + id)).statusCode());
    }
    assertEquals(List.of(200, 404, 200, 200), found, "the first was just looked at");
  }

  @Test
  void savedScenesAreKeptAndMoreOfThemRefused() throws Exception {
    JsonNode photo = photo(7);
    String path = "/api/photos/" + photo.get("id").textValue() + "/scene";
    String scene = "{\"name\":\"mine\",\"camera\":" + photo.get("camera") + "}";
    for (int i = 0; i < 3; i++) {
      studio.post(path, scene, 201);
    }
    String error = studio.post(path, scene, 507).get("error").textValue();
    assertTrue(error.startsWith("saved scenes take 0.1 MiB of the 0.1 MiB"), error);
    assertTrue(error.endsWith("remove some in " + out.resolve("scenes")), error);
    assertTrue(DiskSpace.bytes(out.resolve("scenes")) <= SMALL.sceneBytes());
    assertEquals(200, studio.send(studio.request("/api/scenes/own~mine")).statusCode());
  }
}
