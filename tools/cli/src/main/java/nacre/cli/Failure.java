package nacre.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.cli.ranks.Ranks;
import nacre.diffusion.NotFiniteException;
import nacre.neuralassets.edit.EditException;
import nacre.tensor.spi.CollectiveException;
import nacre.weights.NearName;

/** The one-line message of a failure. */
public final class Failure {
  private Failure() {}

  /** The message of a failure, without the name of the program. */
  public static String describe(Throwable failure) {
    return switch (unwrap(failure)) {
      case NoSuchFileException e ->
          file(e, e.getReason() == null ? "no such file or folder" : e.getReason())
              + (e.getFile() == null ? "" : NearName.hint(Path.of(e.getFile())));
      case AccessDeniedException e -> file(e, "access denied");
      case FileAlreadyExistsException e -> {
        boolean file = e.getFile() != null && !Files.isDirectory(Path.of(e.getFile()));
        yield file(e, file ? "exists already, and is no folder" : "exists already");
      }
      case NotDirectoryException e -> file(e, "not a folder");
      case FileSystemException e when e.getReason() != null -> file(e, e.getReason());
      case FileNotFoundException e -> oneLine(e.getMessage());
      case OutOfMemoryError e ->
          "out of memory: "
              + oneLine(e.getMessage())
              + "; the Java heap is set with NACRE_JAVA_OPTS=-Xmx4g";
      case CollectiveException e -> Ranks.current().lost().orElseGet(() -> oneLine(e.getMessage()));
      case Throwable e when isExplained(e) -> oneLine(e.getMessage());
      case Throwable e -> oneLine(e.toString());
    };
  }

  /** The hint for failures whose message may not suffice. */
  static String hint(Throwable failure) {
    Throwable reason = unwrap(failure);
    boolean enough =
        isExplained(reason) || reason instanceof IOException || reason instanceof OutOfMemoryError;
    return enough ? "" : " (--debug shows where)";
  }

  /** Whether what was typed cannot be meant, rather than done. */
  static boolean isUsage(Throwable failure) {
    return unwrap(failure) instanceof UsageException;
  }

  /** The original failure, where only a wrapper was caught. */
  private static Throwable unwrap(Throwable failure) {
    boolean messenger =
        failure instanceof UncheckedIOException || failure instanceof ExecutionException;
    return messenger && failure.getCause() != null ? unwrap(failure.getCause()) : failure;
  }

  /** A text on one line, whatever a library put into it. */
  static String oneLine(String text) {
    return text == null ? "no reason given" : text.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  /** Whether the message was written for the user; other failures are bugs in Nacre. */
  public static boolean isExplained(Throwable failure) {
    boolean meantForCaller =
        failure instanceof UserException
            || failure instanceof UsageException
            || failure instanceof EditException
            || failure instanceof NotFiniteException
            || failure instanceof CollectiveException
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
