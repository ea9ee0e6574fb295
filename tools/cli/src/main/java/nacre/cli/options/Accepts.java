package nacre.cli.options;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The values that an option accepts, beyond what its type says. They are checked before the command
 * runs. Numbers are finite, and texts and paths not empty, without it.
 */
@Target(ElementType.FIELD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Accepts {
  /** The smallest number. */
  double from() default Double.NEGATIVE_INFINITY;

  /** A number below all that are accepted. */
  double above() default Double.NEGATIVE_INFINITY;

  /** The largest number. */
  double to() default Double.POSITIVE_INFINITY;

  /** Whether a text may be empty. */
  boolean empty() default false;
}
