package nacre.studio;

import io.javalin.http.Context;
import java.util.Map;

/** Answers of the API, and what their addresses ask for. */
final class Answers {
  private Answers() {}

  /** Answers with JSON. */
  static void json(Context request, Object value)
      throws com.fasterxml.jackson.core.JsonProcessingException {
    request.contentType("application/json").result(Asked.MAPPER.writeValueAsBytes(value));
  }

  /** Answers with an error. */
  static void refuse(Context request, int status, String message) {
    request.status(status).json(Map.of("error", message));
  }

  /** A number in the address. */
  static int integer(Context request, String name, int least, int most, int otherwise) {
    String text = request.queryParam(name);
    if (text == null) {
      return otherwise;
    }
    if (!text.matches("-?\\d{1,9}")) {
      throw wrong(name, text, least, most);
    }
    int value = Integer.parseInt(text);
    if (value < least || value > most) {
      throw wrong(name, text, least, most);
    }
    return value;
  }

  private static Refusal wrong(String name, String text, int least, int most) {
    return Refusal.bad(
        "?"
            + name
            + " is "
            + Asked.brief(text)
            + ", a whole number from "
            + least
            + " to "
            + most
            + " is wanted");
  }
}
