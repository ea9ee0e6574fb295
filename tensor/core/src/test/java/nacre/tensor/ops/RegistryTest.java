package nacre.tensor.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.tensor.Operation;
import org.junit.jupiter.api.Test;

class RegistryTest {

  /** Looks at the compiled classes themselves, so that a new operation cannot be forgotten. */
  @Test
  void listsEveryOperationOfThePackage() throws Exception {
    URI here = Registry.class.getResource("Registry.class").toURI();
    assertEquals("file", here.getScheme(), "the classes are not in a folder: " + here);
    Set<String> found = new TreeSet<>();
    try (Stream<Path> files = Files.list(Path.of(here).getParent())) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(".class") && !name.equals("package-info.class")) {
          Class<?> type = Class.forName("nacre.tensor.ops." + name.substring(0, name.length() - 6));
          if (Operation.class.isAssignableFrom(type) && !type.isInterface()) {
            found.add(type.getName());
          }
        }
      }
    }
    Set<String> listed =
        Registry.operations().stream()
            .map(Class::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(found, listed);
    assertEquals(listed.size(), Registry.operations().size(), "one is listed twice");
    assertTrue(listed.size() > 20, "only " + listed.size() + " operations were found");
  }
}
