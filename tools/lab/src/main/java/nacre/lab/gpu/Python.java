package nacre.lab.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;

/**
 * The Python interpreter of the check, for the peers' PyTorch and for NVIDIA's libraries.
 *
 * @param command the interpreter
 * @param packages those of the peers with their versions, and what is missing
 * @param hasTorch whether peers can run at all; some need more
 * @param libraries folders with NVIDIA's libraries, separated as in {@code PATH}; may be empty
 */
record Python(String command, String packages, boolean hasTorch, String libraries) {
  /** Prints, a line each: packages, whether torch is one of them, NVIDIA's folders. */
  private static final String QUESTION =
      """
      import os
      from importlib.metadata import version, PackageNotFoundError
      from importlib.util import find_spec
      found = []
      for name in ["torch", "triton", "diffusers", "transformers"]:
          try:
              found.append(name + " " + version(name))
          except PackageNotFoundError:
              found.append("no " + name)
      nvidia = find_spec("nvidia")
      print(", ".join(found))
      print(find_spec("torch") is not None)
      print(os.pathsep.join(nvidia.submodule_search_locations if nvidia else []))
      """;

  /**
   * Queries an interpreter.
   *
   * @throws UserException if it is none
   */
  static Python ask(String command) throws IOException, InterruptedException {
    String useless = "--python: " + command + " does not run Python 3";
    if (command.contains(" ")) {
      throw new UsageException("--python: a path without blanks is wanted: " + command);
    }
    try {
      Process process =
          new ProcessBuilder(List.of(command, "-c", QUESTION))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      process.getOutputStream().close();
      String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      List<String> lines = answer.lines().toList();
      if (process.waitFor() != 0 || lines.size() != 3) {
        throw new UserException(useless);
      }
      boolean hasTorch = lines.get(1).equals("True");
      return new Python(command, lines.getFirst(), hasTorch, lines.getLast());
    } catch (IOException e) {
      throw new UserException(useless + ": " + e.getMessage(), e);
    }
  }
}
