package nacre.evaluation.benchmark;

import java.util.Locale;

/** What a case of the benchmark changes. */
public enum EditKind {
  /** An object moves along the ground. */
  TRANSLATE,
  /** An object turns about the vertical. */
  ROTATE,
  /** An object grows or shrinks. */
  RESIZE,
  /** An object is taken out. */
  REMOVE,
  /** An object has the appearance of another scene's. */
  REPLACE,
  /** Ground and light are another scene's. */
  BACKGROUND,
  /** Two or three objects are edited, each in another way. */
  SEVERAL;

  /** The name in tables, as "translate". */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
