package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The types in the comments of the page's modules, checked by TypeScript's compiler, which runs in
 * the browser of the other tests. A module that is wrong is added, to see that it is noticed.
 */
class PageTypesIT {
  private static final Path CLASSES = Path.of("target/classes/nacre/studio/page");

  private static final Pattern REFERENCE = Pattern.compile("/// <reference lib=\"([^\"]+)\"");

  /** Takes files by their paths; gives back what is wrong, a line each. */
  private static final String CHECK =
      """
      const [files, roots] = arguments;
      const options = {
        strict: true, noEmit: true, allowJs: true, checkJs: false, skipLibCheck: true,
        target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        lib: ['lib.es2022.d.ts', 'lib.es2023.array.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
        types: [],
      };
      const host = {
        fileExists: path => path in files,
        readFile: path => files[path],
        getSourceFile: (path, version) =>
            path in files ? ts.createSourceFile(path, files[path], version) : undefined,
        getDefaultLibFileName: () => '/lib/lib.es2022.d.ts',
        getDefaultLibLocation: () => '/lib',
        writeFile: () => {},
        getCurrentDirectory: () => '/',
        getCanonicalFileName: path => path,
        useCaseSensitiveFileNames: () => true,
        getNewLine: () => '\\n',
        directoryExists: () => true,
        getDirectories: () => [],
      };
      const program = ts.createProgram(roots, options, host);
      return ts.getPreEmitDiagnostics(program).map(found => {
        const text = ts.flattenDiagnosticMessageText(found.messageText, ' ');
        if (!found.file) return text;
        const {line} = found.file.getLineAndCharacterOfPosition(found.start);
        return `${found.file.fileName}:${line + 1} ${text}`;
      });
      """;

  @TempDir private static Path scratch;
  private static ChromiumPage browser;
  private static String library;

  @BeforeAll
  static void start() throws IOException {
    browser = ChromiumPage.start(URI.create("about:blank"), scratch);
    Properties about = new Properties();
    try (InputStream in = open("/META-INF/maven/org.webjars.npm/typescript/pom.properties")) {
      about.load(in);
    }
    library = "/META-INF/resources/webjars/typescript/" + about.getProperty("version") + "/lib/";
    browser.run(read(library + "typescript.js") + "; window.ts = ts");
  }

  @AfterAll
  static void end() {
    if (browser != null) {
      browser.close();
    }
  }

  private static InputStream open(String resource) throws IOException {
    InputStream in = PageTypesIT.class.getResourceAsStream(resource);
    if (in == null) {
      throw new IOException("no resource " + resource);
    }
    return in;
  }

  private static String read(String resource) throws IOException {
    try (InputStream in = open(resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** The types of the language and of the browser, with those that they refer to. */
  private static void addLibrary(Map<String, String> files, String name) throws IOException {
    String path = "/lib/lib." + name + ".d.ts";
    if (files.containsKey(path)) {
      return;
    }
    String text = read(library + "lib." + name + ".d.ts");
    files.put(path, text);
    Matcher more = REFERENCE.matcher(text);
    while (more.find()) {
      addLibrary(files, more.group(1));
    }
  }

  private static List<?> wrong(Map<String, String> page) throws IOException {
    Map<String, String> files = new LinkedHashMap<>(page);
    for (String name : List.of("es2022", "es2023.array", "dom", "dom.iterable")) {
      addLibrary(files, name);
    }
    List<String> roots = page.keySet().stream().filter(p -> !p.contains("/three/")).toList();
    return (List<?>) browser.run(CHECK, files, roots);
  }

  private static Map<String, String> page() throws IOException {
    Map<String, String> files = new LinkedHashMap<>();
    try (Stream<Path> all = Files.walk(CLASSES)) {
      for (Path file : (Iterable<Path>) all.filter(f -> f.toString().endsWith(".js"))::iterator) {
        files.put("/page/" + CLASSES.relativize(file), Files.readString(file));
      }
    }
    return files;
  }

  @Test
  void everyModuleKeepsToItsTypes() throws IOException {
    Map<String, String> page = page();
    List<String> unchecked =
        page.entrySet().stream()
            .filter(
                e -> !e.getKey().contains("/three/") && !e.getValue().startsWith("// @ts-check"))
            .map(Map.Entry::getKey)
            .toList();
    assertEquals(List.of(), unchecked);
    page.put(
        "/page/broken.js",
        """
        // @ts-check
        import { api } from './api.js';
        import { say } from './dom.js';
        /** @type {number} */
        export const wrong = say;
        api.stat();
        """);
    List<String> wrong = wrong(page).stream().map(Object::toString).sorted().toList();
    String all = String.join("\n", wrong.stream().limit(80).toList());
    assertEquals(2, wrong.size(), all);
    assertTrue(wrong.get(0).matches("/page/broken.js:5 .*not assignable to type 'number'.*"), all);
    assertTrue(wrong.get(1).matches("/page/broken.js:6 Property 'stat' does not exist.*"), all);
  }
}
