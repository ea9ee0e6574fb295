package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/**
 * That the page can be used by keyboard, with a screen reader, on small screens and by weak eyes.
 */
class PageAccessIT {
  @TempDir private static Path scratch;

  private static StudioServer server;
  private static ChromiumPage page;

  @BeforeAll
  static void start() throws IOException {
    server = TestServer.start(scratch, List.of(), List.of());
    page = ChromiumPage.start(server.page(), scratch);
  }

  @AfterAll
  static void end() {
    if (page != null) {
      page.close();
    }
    server.close();
  }

  /** As browsers tell screen readers, computed by Chromium. */
  @ParameterizedTest
  @ValueSource(strings = {"scene", "photo", "train", "text"})
  void everyControlHasAName(String view) {
    page.open(view);
    List<String> nameless = new ArrayList<>();
    int seen = 0;
    for (WebElement control :
        page.all("button, a[href], input, select, textarea, summary, [tabindex], dialog, nav")) {
      if (!control.isDisplayed() || "main".equals(control.getDomAttribute("id"))) {
        continue;
      }
      seen++;
      if (control.getAccessibleName().isBlank()) {
        nameless.add(control.getDomProperty("outerHTML"));
      }
    }
    assertTrue(seen > 6, view + " has " + seen + " controls");
    assertEquals(List.of(), nameless, view);
  }

  /** WCAG 2.2, 1.4.3: 4.5 to 1 for text, 3 to 1 for large text; what is disabled does not count. */
  @ParameterizedTest
  @ValueSource(strings = {"scene", "photo", "train", "text"})
  void textContrasts(String view) {
    for (boolean dark : new boolean[] {false, true}) {
      page.dark(dark);
      page.open(view);
      List<?> weak = (List<?>) page.run(CONTRAST);
      assertEquals(List.of(), weak, view + (dark ? ", dark" : ", light"));
    }
  }

  private static final String CONTRAST =
      """
      const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
      const rgba = color => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = color;
        pen.fillRect(0, 0, 1, 1);
        return [...pen.getImageData(0, 0, 1, 1).data];
      };
      const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(c => c / 255).map(
            c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
      };
      const behind = element => {
        for (let e = element; e; e = e.parentElement) {
          const color = rgba(getComputedStyle(e).backgroundColor);
          if (color[3] > 250) return color;
        }
        return [255, 255, 255];
      };
      const weak = [];
      let seen = 0;
      for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        const typed = element.matches('input[type=number], input[type=text], textarea, select');
        if (!(own || typed) || !element.checkVisibility() || element.matches('option, .sr')
            || element.closest('.sr, :disabled, fieldset:disabled, [aria-disabled=true]')) continue;
        const style = getComputedStyle(element);
        const [a, b] = [light(rgba(style.color)), light(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        seen++;
        if (ratio < (large ? 3 : 4.5)) {
          weak.push(ratio.toFixed(2) + ' ' + (element.textContent || element.name).trim().slice(0, 40));
        }
      }
      if (seen < 10) weak.push('only ' + seen + ' texts were found');
      return weak;
      """;

  @ParameterizedTest
  @ValueSource(strings = {"scene", "photo", "train", "text"})
  void nothingIsWiderThanASmallScreen(String view) {
    page.resize(390, 844);
    try {
      page.open(view);
      assertEquals(390L, page.run("return document.documentElement.scrollWidth"));
    } finally {
      page.resize(1280, 800);
    }
  }

  /** Cumulative layout shift while the first scene opens and is drawn; 0.1 is called good. */
  @Test
  void nothingJumps() {
    page.openScene();
    page.run(
        """
        window.shifts = 0;
        new PerformanceObserver(list => list.getEntries().forEach(e => window.shifts += e.value))
            .observe({type: 'layout-shift', buffered: true});
        """);
    double shift = shifts();
    assertTrue(shift < 0.02, "the layout shifts by " + shift);

    page.run("document.querySelector('.top').style.height = '300px'");
    for (int tries = 0; tries < 20 && shifts() <= 0.02; tries++) {
      ChromiumPage.pause(Duration.ofMillis(200)); // a busy machine draws late
    }
    assertTrue(shifts() > 0.02, "a jump is noticed");
  }

  private static double shifts() {
    ChromiumPage.pause(Duration.ofMillis(800));
    return page.numbers("return [window.shifts]")[0];
  }

  @Test
  void aSceneIsEditedByKeyboardAlone() {
    page.openScene();
    WebElement picture = page.one("#picture");
    picture.sendKeys("n");
    assertEquals("true", page.one("#objects .select").getDomAttribute("aria-pressed"));
    double before = position("z");
    picture.sendKeys(Keys.PAGE_UP);
    picture.sendKeys(Keys.PAGE_UP);
    assertEquals(before + 0.2, position("z"), 0.011);
    picture.sendKeys(",");
    assertEquals(15, position("rz"), 0.011);
    picture.sendKeys(Keys.chord(Keys.CONTROL, "z"));
    assertEquals(0, position("rz"), 0.011);
    picture.sendKeys(Keys.DELETE);
    assertEquals("true", page.one("#remove").getDomAttribute("aria-pressed"));
    String outline = "return getComputedStyle(arguments[0]).outlineStyle";
    assertEquals("solid", page.run(outline, picture), "the focus is seen");
  }

  private static double position(String field) {
    return page.numbers(
            "return [Number(document.querySelector(arguments[0]).value)]",
            "#inspector [name=" + field + "]")[0];
  }

  @Test
  void scriptsAndStylesKeepToThePolicy() {
    page.openScene();
    assertEquals(List.of(), page.logs());
    assertEquals(
        0L, page.run("return document.querySelectorAll('[style^=x], script:not([src])').length"));
  }
}
