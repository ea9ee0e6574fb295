package nacre.tensor;

import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** The tensors that a result holds. */
final class Contained {
  private Contained() {}

  /**
   * Finds them in arrays, collections, maps, optionals and records.
   *
   * @throws IllegalArgumentException if something is met that might hide others
   */
  static void tensors(Object result, Consumer<Tensor> found) {
    switch (result) {
      case null -> {}
      case Tensor tensor -> found.accept(tensor);
      case Object[] array -> each(Arrays.asList(array), found);
      case Collection<?> many -> each(many, found);
      case Map<?, ?> map -> {
        each(map.keySet(), found);
        each(map.values(), found);
      }
      case Optional<?> one -> one.ifPresent(value -> tensors(value, found));
      case Record r -> components(r, found);
      case Object other -> requirePlain(other);
    }
  }

  private static void each(Collection<?> values, Consumer<Tensor> found) {
    values.forEach(value -> tensors(value, found));
  }

  private static void components(Record r, Consumer<Tensor> found) {
    for (RecordComponent component : r.getClass().getRecordComponents()) {
      if (component.getType().isPrimitive()) {
        continue;
      }
      tensors(value(r, component.getAccessor()), found);
    }
  }

  private static Object value(Record r, Method accessor) {
    try {
      accessor.setAccessible(true);
      return accessor.invoke(r);
    } catch (ReflectiveOperationException | InaccessibleObjectException e) {
      throw unknown(r, e);
    }
  }

  /** Numbers, texts, and whatever else of the Java library cannot know of tensors. */
  private static void requirePlain(Object other) {
    Class<?> type = other.getClass();
    boolean plain =
        type.isArray()
            || other instanceof Enum<?>
            || other instanceof Shape
            || other instanceof Device
            || other instanceof Path
            || type.getPackageName().startsWith("java.lang")
            || type.getPackageName().startsWith("java.math");
    if (!plain) {
      throw unknown(other, null);
    }
  }

  private static IllegalArgumentException unknown(Object holder, Exception cause) {
    return new IllegalArgumentException(
        "tidy: cannot look into "
            + holder.getClass().getName()
            + " for tensors to keep; return the tensors themselves, or keep() them in a scope that"
            + " you open",
        cause);
  }
}
