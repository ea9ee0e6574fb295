package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What a part of the check found.
 *
 * @param sentence what a reader of the table wants to know
 * @param numbers what was measured, for the JSON
 */
record Finding(Status status, String sentence, ObjectNode numbers) {
  static Finding passed(String sentence, ObjectNode numbers) {
    return new Finding(Status.PASSED, sentence, numbers);
  }

  static Finding failed(String sentence, ObjectNode numbers) {
    return new Finding(Status.FAILED, sentence, numbers);
  }

  /** Without numbers. */
  static Finding of(Status status, String sentence) {
    return new Finding(status, sentence, JsonNodeFactory.instance.objectNode());
  }
}
