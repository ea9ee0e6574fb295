package nacre.tensor.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** {@link Ops} has every operation of the package, and delegates each to the right one. */
class OpsTest {

  /** Looks at the compiled classes themselves, so that a new operation cannot be forgotten. */
  @Test
  void hasEveryOperationOfThePackage() throws Exception {
    Set<String> offered = new TreeSet<>();
    for (Method method : Ops.class.getDeclaredMethods()) {
      assertTrue(Modifier.isPublic(method.getModifiers()), method + " is not public");
      offered.add(signature(method));
    }
    Set<String> wanted = new TreeSet<>();
    for (Class<?> type : publicTypes()) {
      for (Method method : type.getDeclaredMethods()) {
        Class<?> result = method.getReturnType();
        int modifiers = method.getModifiers();
        if (Modifier.isPublic(modifiers)
            && Modifier.isStatic(modifiers)
            && (result == Tensor.class || result == Tensor[].class)) {
          assertTrue(wanted.add(signature(method)), "two operations are " + signature(method));
        }
      }
    }
    assertEquals(wanted, offered, "wanted, and what Ops has");
    assertTrue(wanted.size() > 50, "only " + wanted.size() + " operations were found");
  }

  /** Result, name, parameters, and whether the last of them may be many. */
  private static String signature(Method method) {
    List<String> parameters =
        Stream.of(method.getParameterTypes()).map(Class::getSimpleName).toList();
    return method.getReturnType().getSimpleName()
        + " "
        + method.getName()
        + parameters
        + (method.isVarArgs() ? "…" : "");
  }

  private static List<Class<?>> publicTypes() throws Exception {
    URI here = Ops.class.getResource("Ops.class").toURI();
    assertEquals("file", here.getScheme(), "the classes are not in a folder: " + here);
    try (Stream<Path> files = Files.list(Path.of(here).getParent())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".class") && !name.equals("package-info.class"))
          .<Class<?>>map(name -> load("nacre.tensor.ops." + name.replace(".class", "")))
          .filter(type -> type != Ops.class && Modifier.isPublic(type.getModifiers()))
          .toList();
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  /** Of methods of like parameters, such as sin and cos, the compiler would take either. */
  @Test
  void delegatesEachToItsNamesake() throws IOException {
    try (InputStream in = Ops.class.getResourceAsStream("Ops.class")) {
      for (MethodModel method : ClassFile.of().parse(in.readAllBytes()).methods()) {
        String name = method.methodName().stringValue();
        if (name.equals("<init>")) {
          continue;
        }
        List<String> called =
            method
                .code()
                .orElseThrow()
                .elementStream()
                .filter(InvokeInstruction.class::isInstance)
                .map(InvokeInstruction.class::cast)
                .map(call -> call.name().stringValue() + call.type().stringValue())
                .toList();
        assertEquals(List.of(name + method.methodType().stringValue()), called);
      }
    }
  }
}
