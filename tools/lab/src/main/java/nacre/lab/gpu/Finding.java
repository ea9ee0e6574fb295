package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The finding of a part of the check.
 *
 * @param sentence the summary for the table
 * @param numbers the measurements for the JSON
 */
record Finding(Status status, String sentence, ObjectNode numbers) {
  static Finding passed(String sentence, ObjectNode numbers) {
    return new Finding(Status.PASSED, sentence, numbers);
  }

  static Finding failed(String sentence, ObjectNode numbers) {
    return new Finding(Status.FAILED, sentence, numbers);
  }

  /** A finding without numbers. */
  static Finding of(Status status, String sentence) {
    return new Finding(status, sentence, JsonNodeFactory.instance.objectNode());
  }
}
