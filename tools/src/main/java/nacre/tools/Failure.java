package nacre.tools;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.concurrent.ExecutionException;

/** Says in one line what went wrong. */
final class Failure {
  private Failure() {}

  /** The line for a failure, without the name of the program. */
  static String describe(Throwable failure) {
    return switch (failure) {
      case UncheckedIOException wrapped -> describe(wrapped.getCause());
      case ExecutionException wrapped when wrapped.getCause() != null ->
          describe(wrapped.getCause());
      case NoSuchFileException e -> file(e, "no such file or folder");
      case AccessDeniedException e -> file(e, "access denied");
      case FileAlreadyExistsException e -> file(e, "exists already");
      case NotDirectoryException e -> file(e, "not a folder");
      case FileSystemException e when e.getReason() != null -> file(e, e.getReason());
      case FileNotFoundException e -> oneLine(e.getMessage());
      case OutOfMemoryError e ->
          "out of memory: "
              + oneLine(e.getMessage())
              + "; the Java heap is set with NACRE_JAVA_OPTS=-Xmx4g";
      case Throwable e when isExplained(e) -> oneLine(e.getMessage());
      default -> oneLine(failure.toString());
    };
  }

  /** What to add where the line may not be enough to go by. */
  static String hint(Throwable failure) {
    return switch (failure) {
      case UncheckedIOException wrapped -> "";
      case ExecutionException wrapped when wrapped.getCause() != null -> hint(wrapped.getCause());
      case Throwable e when isExplained(e) || e instanceof IOException -> "";
      default -> " (--debug shows where)";
    };
  }

  /** Text on one line, whatever a library put into it. */
  static String oneLine(String text) {
    return text == null ? "no reason given" : text.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  /** Whether the message was written for the caller; others tell of a mistake in Nacre itself. */
  private static boolean isExplained(Throwable failure) {
    boolean meantForCaller =
        failure instanceof UserException
            || failure instanceof IOException
            || failure instanceof IllegalArgumentException
            || failure instanceof IllegalStateException
            || failure instanceof UnsupportedOperationException;
    return meantForCaller && failure.getMessage() != null && !failure.getMessage().isBlank();
  }

  private static String file(FileSystemException failure, String reason) {
    return failure.getFile() == null ? reason : failure.getFile() + ": " + reason;
  }
}
