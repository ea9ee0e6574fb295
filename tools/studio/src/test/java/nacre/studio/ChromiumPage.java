package nacre.studio;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.logging.Level;
import org.junit.jupiter.api.Assumptions;
import org.openqa.selenium.By;
import org.openqa.selenium.JavascriptExecutor;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.PointerInput;
import org.openqa.selenium.interactions.PointerInput.MouseButton;
import org.openqa.selenium.interactions.PointerInput.Origin;
import org.openqa.selenium.interactions.Sequence;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** The studio's page in Debian's Chromium, without a window. */
final class ChromiumPage implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  /** WebGL on the CPU; nothing is fetched from Google. */
  private static final List<String> ARGUMENTS =
      List.of(
          "--headless=new",
          "--no-sandbox",
          "--disable-dev-shm-usage",
          "--disable-background-networking",
          "--disable-component-update",
          "--no-first-run",
          "--use-angle=swiftshader",
          "--enable-unsafe-swiftshader",
          "--hide-scrollbars");

  private final URI address;
  private final ChromeDriver driver;

  private ChromiumPage(URI address, ChromeDriver driver) {
    this.address = address;
    this.driver = driver;
  }

  /**
   * Starts a browser; the calling test is skipped where there is none.
   *
   * @param downloads where it puts files that the user is given
   */
  static ChromiumPage start(URI address, Path downloads) {
    Optional<Path> browser = find("chromium").or(() -> find("google-chrome"));
    Optional<Path> chromedriver = find("chromedriver");
    Assumptions.assumeTrue(
        browser.isPresent() && chromedriver.isPresent(),
        "the page needs a browser to be tested in: apt install chromium chromium-driver");
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    ChromeOptions options = new ChromeOptions();
    options.setBinary(browser.get().toFile());
    options.addArguments(ARGUMENTS);
    options.setCapability("goog:loggingPrefs", logs);
    options.setExperimentalOption(
        "prefs", Map.of("download.default_directory", downloads.toString()));
    File program = chromedriver.get().toFile();
    ChromeDriverService service =
        new ChromeDriverService.Builder().usingDriverExecutable(program).build();
    ChromiumPage page = new ChromiumPage(address, new ChromeDriver(service, options));
    page.resize(1280, 800);
    return page;
  }

  private static Optional<Path> find(String program) {
    for (String folder : System.getenv("PATH").split(File.pathSeparator)) {
      Path file = Path.of(folder, program);
      if (Files.isExecutable(file)) {
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  void resize(int width, int height) {
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
  }

  /** Says whether the system's colors are dark. */
  void dark(boolean dark) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(
                Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"),
                Map.of("name", "prefers-reduced-motion", "value", "reduce"))));
  }

  /** Opens a view anew, and waits until the page is connected to the server. */
  void open(String view) {
    driver.get("about:blank");
    driver.get(address.resolve("/#" + view).toString());
    await("the connection", () -> text("#queue").equals("Ready"));
  }

  /** Opens the view of scenes, and waits until the first preview is there. */
  void openScene() {
    open("scene");
    await("the first preview", () -> is("#drawn-image", "src") && text("#queue").equals("Ready"));
  }

  /** What a script returns: numbers, texts, lists of them. */
  Object run(String script, Object... arguments) {
    return ((JavascriptExecutor) driver).executeScript(script, arguments);
  }

  /** The numbers of a list that a script returns. */
  double[] numbers(String script, Object... arguments) {
    List<?> values = (List<?>) run(script, arguments);
    return values.stream().mapToDouble(v -> ((Number) v).doubleValue()).toArray();
  }

  WebElement one(String selector) {
    return driver.findElement(By.cssSelector(selector));
  }

  List<WebElement> all(String selector) {
    return driver.findElements(By.cssSelector(selector));
  }

  String text(String selector) {
    return String.valueOf(run("return document.querySelector(arguments[0]).textContent", selector));
  }

  /** True if the element has the attribute. */
  boolean is(String selector, String attribute) {
    String script = "return document.querySelector(arguments[0])?.hasAttribute(arguments[1])";
    return Boolean.TRUE.equals(run(script, selector, attribute));
  }

  void click(String selector) {
    one(selector).click();
  }

  /** Puts a value in the place of the one that is in a field, as typing does. */
  void type(String selector, String value) {
    run(
        "const field = document.querySelector(arguments[0]); field.value = arguments[1];"
            + "field.dispatchEvent(new Event('input', {bubbles: true}));"
            + "field.dispatchEvent(new Event('change', {bubbles: true}))",
        selector,
        value);
  }

  /** Presses at one place, moves in steps to another, and lets go. */
  void drag(double x0, double y0, double x1, double y1) {
    PointerInput mouse = new PointerInput(PointerInput.Kind.MOUSE, "mouse");
    Sequence moves = new Sequence(mouse, 0);
    moves.addAction(move(mouse, x0, y0));
    moves.addAction(mouse.createPointerDown(MouseButton.LEFT.asArg()));
    for (int i = 1; i <= 6; i++) {
      moves.addAction(move(mouse, x0 + i * (x1 - x0) / 6, y0 + i * (y1 - y0) / 6));
    }
    moves.addAction(mouse.createPointerUp(MouseButton.LEFT.asArg()));
    driver.perform(List.of(moves));
  }

  private static org.openqa.selenium.interactions.Interaction move(
      PointerInput mouse, double x, double y) {
    return mouse.createPointerMove(
        Duration.ofMillis(30), Origin.viewport(), (int) Math.round(x), (int) Math.round(y));
  }

  /** Drops a file or folder of the disk on an element, as a file manager does. */
  void drop(String selector, Path file) {
    double[] at =
        numbers(
            "const r = document.querySelector(arguments[0]).getBoundingClientRect();"
                + "return [r.left + r.width / 2, r.top + r.height / 2]",
            selector);
    Map<String, Object> data =
        Map.of("items", List.of(), "files", List.of(file.toString()), "dragOperationsMask", 1);
    for (String type : List.of("dragEnter", "dragOver", "drop")) {
      driver.executeCdpCommand(
          "Input.dispatchDragEvent", Map.of("type", type, "x", at[0], "y", at[1], "data", data));
    }
  }

  /** Waits until something is so. */
  void await(String what, Supplier<Boolean> condition) {
    Instant end = Instant.now().plus(PATIENCE);
    while (!condition.get()) {
      if (Instant.now().isAfter(end)) {
        throw new AssertionError(
            "waited in vain for " + what + "; the page says: " + text("#alerts") + logs());
      }
      pause(Duration.ofMillis(50));
    }
  }

  static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  /** What the browser complained of: scripts that failed, files that are missing, the policy. */
  List<String> logs() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
        .map(entry -> entry.getMessage())
        .filter(message -> !message.contains("GPU stall") && !message.contains("swiftshader"))
        .toList();
  }

  /** Saves the whole page as it is seen, up to a height. */
  void photograph(Path file, int width, int mostHeight) {
    int height = ((Number) run("return document.documentElement.scrollHeight")).intValue();
    resize(width, Math.min(height, mostHeight));
    pause(Duration.ofMillis(600));
    Map<String, Object> shot =
        driver.executeCdpCommand("Page.captureScreenshot", Map.of("format", "png"));
    try {
      Files.write(file, Base64.getDecoder().decode((String) shot.get("data")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    driver.quit();
  }
}
