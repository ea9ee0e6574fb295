package nacre.evaluation.run;

import java.io.IOException;
import nacre.evaluation.EditingMethod;

/** The method of a contender, opened as soon as something is to be drawn. */
final class OpenedMethod implements AutoCloseable {
  private final Contender contender;
  private EditingMethod method;

  OpenedMethod(Contender contender) {
    this.contender = contender;
  }

  EditingMethod get() throws IOException {
    if (method == null) {
      method = contender.opening().open();
    }
    return method;
  }

  @Override
  public void close() {
    if (method != null) {
      method.close();
    }
  }
}
