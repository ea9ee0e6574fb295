package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Requests that are wrong or mean harm: each is refused in one line, and the next one is served.
 */
class HostileTest {
  private static final String JSON = "application/json";

  @TempDir private static Path out;
  private static TestStudio studio;

  /**
   * A bad request.
   *
   * @param status the answer's
   * @param told a word of the answer
   */
  record Bad(String name, int status, String told, byte[] request) {
    @Override
    public String toString() {
      return name;
    }
  }

  @BeforeAll
  static void start() throws IOException {
    studio = new TestStudio(out, TestStudio.DEMO, TestStudio.TINY_SD);
  }

  @AfterAll
  static void stop() {
    studio.close();
    assertEquals(0, Memory.liveBytes());
  }

  private static byte[] raw(String method, String path, String headers, byte[] body) {
    String head =
        method
            + " "
            + path
            + " HTTP/1.1\r\nConnection: close\r\n"
            + (headers.contains("Host:") ? "" : "Host: 127.0.0.1\r\n")
            + headers
            + "Content-Length: "
            + body.length
            + "\r\n\r\n";
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(head.getBytes(StandardCharsets.ISO_8859_1));
    all.writeBytes(body);
    return all.toByteArray();
  }

  private static Bad get(int status, String told, String path, String headers) {
    return new Bad(
        "GET " + path + " " + headers.strip(),
        status,
        told,
        raw("GET", path, headers, new byte[0]));
  }

  private static Bad post(int status, String told, String path, String type, byte[] body) {
    String name =
        "POST "
            + path
            + " "
            + type
            + " "
            + Asked.brief(
                new String(body, 0, Math.min(80, body.length), StandardCharsets.ISO_8859_1));
    return new Bad(name, status, told, raw("POST", path, "Content-Type: " + type + "\r\n", body));
  }

  private static Bad draw(String told, String body) {
    return post(body.contains("\"scene\":\"no") ? 404 : 400, told, "/api/draw", JSON, bytes(body));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String scene(String more) {
    return "{\"scene\":\"3\"," + more + "}";
  }

  /** A PNG of little content whose head says that it is huge. */
  private static byte[] bomb() {
    byte[] png = Pictures.png(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB));
    byte[] huge = png.clone();
    for (int at : new int[] {16, 20}) { // width and height: 40,000 each
      huge[at + 2] = (byte) 0x9c;
      huge[at + 3] = 0x40;
    }
    java.util.zip.CRC32 sum = new java.util.zip.CRC32();
    sum.update(huge, 12, 17);
    for (int i = 0; i < 4; i++) {
      huge[29 + i] = (byte) (sum.getValue() >> (24 - 8 * i));
    }
    return huge;
  }

  static Stream<Bad> requests() {
    byte[] png = Pictures.png(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB));
    List<Bad> bad = new ArrayList<>();
    // Whom it is asked by and for.
    bad.add(get(403, "name in Host", "/api/state", "Host: evil.example\r\n"));
    bad.add(get(403, "name in Host", "/", "Host: evil.example:7860\r\n"));
    bad.add(get(403, "name in Host", "/api/state", "Host: 192.168.0.7\r\n"));
    bad.add(get(403, "another site", "/api/state", "Origin: http://evil.example\r\n"));
    bad.add(get(403, "another site", "/api/state", "Origin: null\r\n"));
    bad.add(get(403, "another site", "/api/state", "Origin: https://127.0.0.1\r\n"));
    bad.add(get(403, "another site", "/api/state", "Sec-Fetch-Site: cross-site\r\n"));
    bad.add(get(403, "another site", "/api/events", "Sec-Fetch-Site: same-site\r\n"));
    bad.add(
        new Bad(
            "draw of another site",
            403,
            "another site",
            raw(
                "POST",
                "/api/draw",
                "Origin: http://localhost:1\r\nContent-Type: text/plain\r\n",
                bytes(scene("\"seed\":1")))));
    // Paths.
    for (String path :
        List.of(
            "/nothing",
            "/api/nothing",
            "/.git/config",
            "/scene/..%2f..%2fopenapi.yaml",
            "/..%2f..%2fetc%2fpasswd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/three/",
            "/index.html%00.png",
            "/api/results/..%2f..%2fetc%2fpasswd/image.png",
            "/api/results/20260101-000000-000/image.png",
            "/api/photos/..%2fscenes",
            "/api/photos/0123456789abcdef",
            "/api/runs/..",
            "/api/runs/..%2fhistory",
            "/api/runs/none/sheets/..%2fpreset.json",
            "/api/scenes/own~..%2f..%2fetc",
            "/api/scenes/own~nothing",
            "/api/scenes/99999999999",
            "/api/jobs/j999999",
            "/api/jobs/%3Cscript%3E")) {
      bad.add(
          get(
              path.contains("%2f")
                      || path.contains("%2e")
                      || path.contains("%00")
                      || path.endsWith("/..")
                  ? 0
                  : 404,
              "",
              path,
              ""));
    }
    bad.add(get(400, "?count", "/api/scenes?count=100000", ""));
    bad.add(get(400, "?frame", "/api/scenes/3?frame=99", ""));
    bad.add(get(400, "?frame", "/api/scenes/3/image?frame=-1", ""));
    bad.add(get(404, "no group", "/api/scenes?group=etc", ""));
    // Methods.
    bad.add(new Bad("PUT", 405, "method", raw("PUT", "/api/draw", "", new byte[0])));
    bad.add(new Bad("DELETE", 405, "method", raw("DELETE", "/api/state", "", new byte[0])));
    bad.add(new Bad("TRACE", 0, "", raw("TRACE", "/api/state", "", new byte[0])));
    bad.add(new Bad("no HTTP", 0, "", bytes("hello there\r\n\r\n")));
    bad.add(
        new Bad(
            "a head without end",
            0,
            "",
            bytes("GET /" + "a".repeat(100_000) + " HTTP/1.1\r\n\r\n")));
    bad.add(
        new Bad(
            "two lengths",
            400,
            "",
            bytes(
                "POST /api/draw HTTP/1.1\r\n"
                    + "Host: 127.0.0.1\r\n"
                    + "Content-Length: 3\r\n"
                    + "Content-Length: 5\r\n\r\n"
                    + "abcde")));
    // JSON.
    bad.add(post(415, "application/json", "/api/draw", "text/plain", bytes(scene("\"seed\":1"))));
    bad.add(draw("malformed", "{"));
    bad.add(draw("JSON object", "[1, 2]"));
    bad.add(draw("malformed", "{\"scene\":\"3\"} {}"));
    bad.add(draw("malformed", "{\"scene\":\"3\",\"scene\":\"4\"}"));
    bad.add(draw("malformed", "{\"scene\":" + "[".repeat(5000) + "]".repeat(5000) + "}"));
    bad.add(
        post(400, "malformed", "/api/draw", JSON, new byte[] {'{', '"', (byte) 0xff, '"', '}'}));
    bad.add(
        post(
            413,
            "too large",
            "/api/draw",
            JSON,
            bytes("{\"scene\":\"" + "x".repeat(1 << 20) + "\"}")));
    bad.add(draw("\"scene\" is missing", "{}"));
    bad.add(draw("unknown key sede", scene("\"sede\":1")));
    bad.add(draw("no scene", "{\"scene\":\"no/../../etc/passwd\"}"));
    bad.add(draw("\"steps\"", scene("\"steps\":0")));
    bad.add(draw("\"steps\"", scene("\"steps\":1e9")));
    bad.add(draw("\"steps\"", scene("\"steps\":2.5")));
    bad.add(draw("\"seed\"", scene("\"seed\":-1")));
    bad.add(draw("\"guidance\"", scene("\"guidance\":1e999")));
    bad.add(draw("\"edits\"", scene("\"edits\":{}")));
    bad.add(draw("no object of that name", scene("\"edits\":[\"translate x 1 0 0\"]")));
    bad.add(draw("is not an edit", scene("\"edits\":[\"explode pink-box\"]")));
    bad.add(draw("behind the camera", scene("\"edits\":[\"translate pink-box -9 0 4\"]")));
    bad.add(draw("not a finite number", scene("\"edits\":[\"resize pink-box NaN\"]")));
    bad.add(
        post(
            404,
            "no scene",
            "/api/draw",
            JSON,
            bytes(scene("\"edits\":[{\"edit\":\"background\",\"scene\":\"/etc\"}]"))));
    bad.add(
        draw("\"degrees\"", scene("\"edits\":[{\"edit\":\"camera\",\"degrees\":[0,\"NaN\"]}]")));
    bad.add(draw("keepBackground", scene("\"keepBackground\":true,\"edits\":[\"camera 1 0 0\"]")));
    bad.add(draw("unknown key camera", scene("\"camera\":{\"position\":[0,0,0]}")));
    bad.add(draw("no model", scene("\"model\":\"../demo\"")));
    bad.add(post(400, "turn", "/api/animations", JSON, bytes(scene("\"frames\":3"))));
    bad.add(
        post(
            400,
            "\"frames\"",
            "/api/animations",
            JSON,
            bytes(scene("\"frames\":9999,\"turn\":{\"object\":\"pink-box\"}"))));
    // Pictures.
    bad.add(post(400, "no picture", "/api/photos", "image/png", bytes("<svg onload=alert(1)>")));
    bad.add(post(400, "empty", "/api/photos", "image/png", new byte[0]));
    bad.add(post(400, "photo", "/api/photos", "image/png", Arrays.copyOf(png, png.length / 2)));
    bad.add(post(400, "pixels", "/api/photos", "image/png", bomb()));
    bad.add(post(415, "multipart", "/api/photos", "text/plain", png));
    bad.add(
        post(
            400,
            "part",
            "/api/photos",
            "multipart/form-data; boundary=x",
            bytes("--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n--x--\r\n")));
    for (String path : List.of("/api/photos", "/api/scenes")) {
      String type = "multipart/form-data; boundary=x";
      bad.add(post(400, "form is malformed", path, type, bytes("--xx\r\n1\r\n")));
      bad.add(post(400, "form is malformed", path, type, bytes("--x\r\nContent-Dispos")));
      bad.add(post(400, "form is malformed", path, "multipart/form-data", bytes("--x--\r\n")));
    }
    bad.add(
        post(
            404,
            "no photo",
            "/api/photos/0123456789abcdef/scene",
            JSON,
            bytes("{\"name\":\"a\"}")));
    // Runs and prompts.
    bad.add(post(400, "no preset", "/api/runs", JSON, bytes("{\"preset\":\"/etc/passwd\"}")));
    bad.add(
        post(
            400,
            "\"name\"",
            "/api/runs",
            JSON,
            bytes("{\"preset\":\"tiny\",\"name\":\"../../x\"}")));
    bad.add(
        post(
            400,
            "unknown key",
            "/api/runs",
            JSON,
            bytes("{\"preset\":\"tiny\",\"fields\":{\"vae_from\":\"/etc\"}}")));
    bad.add(post(404, "no run", "/api/runs/none/stop", JSON, new byte[0]));
    bad.add(post(400, "\"prompt\" is missing", "/api/text-to-image", JSON, bytes("{}")));
    bad.add(
        post(
            400,
            "\"width\"",
            "/api/text-to-image",
            JSON,
            bytes("{\"prompt\":\"a\",\"width\":100000}")));
    bad.add(
        post(
            400,
            "sampler",
            "/api/text-to-image",
            JSON,
            bytes("{\"prompt\":\"a\",\"sampler\":\"nope\"}")));
    bad.add(
        post(
            400,
            "no LoRA",
            "/api/text-to-image",
            JSON,
            bytes("{\"prompt\":\"a\",\"lora\":[{\"name\":\"/etc/x\"}]}")));
    bad.add(
        post(
            400,
            "picture",
            "/sdapi/v1/img2img",
            JSON,
            bytes("{\"prompt\":\"a\",\"init_images\":[\"@@@@\"]}")));
    bad.add(post(400, "init_images", "/sdapi/v1/img2img", JSON, bytes("{\"prompt\":\"a\"}")));
    return bad.stream();
  }

  @Test
  void thereAreMoreThanSixty() {
    assertTrue(requests().count() >= 60, () -> "only " + requests().count());
  }

  @ParameterizedTest
  @MethodSource("requests")
  @Timeout(30)
  void isRefusedAndTheNextOneIsServed(Bad bad) throws Exception {
    String answer = exchange(bad.request);
    String first = answer.lines().findFirst().orElse("");
    assertTrue(first.matches("HTTP/1.1 (4\\d\\d|505).*"), () -> "answer: " + answer);
    if (bad.status != 0) {
      assertEquals(bad.status, Integer.parseInt(first.split(" ")[1]), () -> answer);
    }
    if (!bad.told.isEmpty()) {
      String error =
          Asked.MAPPER
              .readTree(answer.substring(answer.indexOf("\r\n\r\n")))
              .get("error")
              .textValue();
      assertTrue(error.contains(bad.told), () -> error);
      assertFalse(
          error.contains("\n") || error.contains("Exception") || error.length() > 500, () -> error);
    }
    assertAll(
        () -> assertFalse(answer.contains("root:"), "a file of the system"),
        () -> assertFalse(answer.contains("\tat "), "a stack trace"));
    assertEquals("demo", studio.get("/api/state").at("/model/name").textValue());
  }

  private static String exchange(byte[] request) throws IOException {
    try (Socket socket = connected()) {
      socket.setSoTimeout(20_000);
      try {
        socket.getOutputStream().write(request);
      } catch (IOException e) {
        // It may be refused before all was sent.
      }
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      try {
        socket.getInputStream().transferTo(all);
      } catch (IOException e) {
        // Closed with something unread; what came before counts.
      }
      return all.toString(StandardCharsets.UTF_8);
    }
  }

  private static Socket connected() throws IOException {
    return new Socket("127.0.0.1", studio.at("/").getPort());
  }

  @Test
  @Timeout(120)
  void twoHundredConnectionsThatSayLittleKeepNobodyOut() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        Socket socket = connected();
        slow.add(socket);
        socket
            .getOutputStream()
            .write(
                bytes(
                    i % 2 == 0
                        ? "GET /api/state HTT"
                        : "POST /api/draw HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type:"
                            + " application/json\r\nContent-Length: 1000\r\n\r\n{\"sce"));
      }
      JsonNode drawn = studio.draw("/api/draw", scene("\"preview\":true"));
      assertEquals("done", drawn.get("state").textValue());
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
    assertEquals("demo", studio.get("/api/state").at("/model/name").textValue());
  }

  @Test
  void aBodyInPartsIsTaken() throws Exception {
    byte[] request =
        raw(
            "POST",
            "/api/draw",
            "Content-Type: " + JSON + "\r\n",
            bytes(scene("\"preview\":true")));
    try (Socket socket = connected()) {
      int first = request.length - 10;
      socket.getOutputStream().write(request, 0, first);
      Thread.sleep(100);
      socket.getOutputStream().write(request, first, 10);
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 202 "), answer);
    }
  }

  @Test
  void aFullQueueIsSaidToBeFull() throws Exception {
    List<String> jobs = new ArrayList<>();
    for (int i = 0; i < 65; i++) {
      jobs.add(studio.post("/api/draw", scene("\"steps\":900"), 202).get("job").textValue());
      if (i == 0) {
        while (studio
            .get("/api/jobs/" + jobs.getFirst())
            .get("state")
            .textValue()
            .equals("queued")) {
          Thread.sleep(5);
        }
      }
    }
    String error = studio.post("/api/draw", scene("\"steps\":900"), 429).get("error").textValue();
    assertTrue(error.contains("64 jobs wait"), error);
    for (String job : jobs) {
      studio.send(studio.request("/api/jobs/" + job).DELETE());
    }
    assertEquals(
        "done", studio.draw("/api/draw", scene("\"preview\":true")).get("state").textValue());
  }

  @Test
  void aTokenIsWantedWhereOthersCanReachIt(@TempDir Path other) throws Exception {
    Address open = Address.of("0.0.0.0", 0, null);
    assertEquals(32, open.token().length());
    try (TestStudio guarded =
        new TestStudio(other, Address.of("127.0.0.1", 0, "letmein-please"), TestStudio.DEMO)) {
      assertEquals(401, guarded.send(guarded.request("/api/state")).statusCode());
      assertEquals(401, guarded.send(guarded.request("/")).statusCode());
      assertEquals(401, guarded.send(guarded.request("/?token=letmein-pleasf")).statusCode());
      assertEquals(
          401,
          guarded
              .send(guarded.request("/api/state").header("Authorization", "Bearer x"))
              .statusCode());
      assertEquals(
          200,
          guarded
              .send(guarded.request("/api/state").header("Authorization", "Bearer letmein-please"))
              .statusCode());
      var set = guarded.send(guarded.request("/?token=letmein-please"));
      assertEquals(302, set.statusCode());
      String cookie = set.headers().firstValue("Set-Cookie").orElseThrow();
      assertTrue(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), cookie);
      String pair = cookie.substring(0, cookie.indexOf(';'));
      assertEquals(
          200, guarded.send(guarded.request("/api/state").header("Cookie", pair)).statusCode());
    }
  }

  @Test
  void nothingWasWrittenOutsideOfTheOpenedFolder() throws IOException {
    try (Stream<Path> files = Files.walk(out, 1)) {
      List<String> names = files.skip(1).map(p -> p.getFileName().toString()).toList();
      assertTrue(
          List.of("history", "photos", "scenes", "runs", "uploads").containsAll(names),
          names.toString());
    }
  }

  @Test
  void everyAnswerForbidsWhatAPageDoesNotNeed() throws Exception {
    var page = studio.send(studio.request("/"));
    String policy = page.headers().firstValue("Content-Security-Policy").orElseThrow();
    assertTrue(policy.contains("default-src 'none'") && !policy.contains("unsafe"), policy);
    assertEquals("nosniff", page.headers().firstValue("X-Content-Type-Options").orElseThrow());
    assertTrue(page.headers().firstValue("Access-Control-Allow-Origin").isEmpty());
  }
}
