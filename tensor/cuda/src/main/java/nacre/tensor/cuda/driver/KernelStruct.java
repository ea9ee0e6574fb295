package nacre.tensor.cuda.driver;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A structure that kernels take by value or write. Its definition in C++ and the places of its
 * fields come from one list, so that the two sides cannot differ.
 *
 * @param name its name in C++
 * @param fields in their order in memory
 */
public record KernelStruct(String name, List<Field> fields) {

  /**
   * A field.
   *
   * @param wide whether it is of 8 bytes ({@code i64}), else of 4 ({@code int})
   * @param count how many there are of it; one is no array
   */
  public record Field(String name, boolean wide, int count) {
    long width() {
      return wide ? ValueLayout.JAVA_LONG.byteSize() : ValueLayout.JAVA_INT.byteSize();
    }
  }

  /** A structure of these fields. */
  public KernelStruct {
    fields = List.copyOf(fields);
  }

  /** The same with a field of {@code int}s more. */
  KernelStruct ints(String field, int count) {
    return with(new Field(field, false, count));
  }

  /** The same with a field of {@code i64}s more. */
  KernelStruct longs(String field, int count) {
    return with(new Field(field, true, count));
  }

  private KernelStruct with(Field field) {
    List<Field> more = new ArrayList<>(fields);
    more.add(field);
    return new KernelStruct(name, more);
  }

  /** Where a field begins, in bytes. */
  public long at(String field) {
    long at = 0;
    for (Field each : fields) {
      at = aligned(at, each.width());
      if (each.name.equals(field)) {
        return at;
      }
      at += each.width() * each.count;
    }
    throw new IllegalArgumentException("the structure " + name + " has no " + field);
  }

  /** Its size. */
  public long bytes() {
    Field last = fields.getLast();
    long widest = fields.stream().mapToLong(Field::width).max().orElseThrow();
    return aligned(at(last.name) + last.width() * last.count, widest);
  }

  private static long aligned(long at, long to) {
    return (at + to - 1) / to * to;
  }

  /**
   * Its definition in C++, and the check that the compiler gives it the size that this does: NVRTC
   * has no {@code offsetof}.
   */
  String definition() {
    StringBuilder text = new StringBuilder("struct " + name + " {\n");
    for (Field each : fields) {
      text.append(
          String.format(
              Locale.ROOT,
              "  %s %s%s;\n",
              each.wide ? "i64" : "int",
              each.name,
              each.count == 1 ? "" : "[" + each.count + "]"));
    }
    return text.append("};\n")
        .append(
            String.format(Locale.ROOT, "static_assert(sizeof(%s) == %d, \"\");\n", name, bytes()))
        .toString();
  }
}
