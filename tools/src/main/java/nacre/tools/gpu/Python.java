package nacre.tools.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The Python whose packages are of use: PyTorch for the peers, and NVIDIA's libraries.
 *
 * @param command the interpreter
 * @param torch its version, or why the peers cannot run in one sentence
 * @param hasPeers whether they can
 * @param libraries folders with NVIDIA's libraries, separated as in {@code PATH}; may be empty
 */
record Python(String command, String torch, boolean hasPeers, String libraries) {
  /** Prints, a line each: PyTorch's version or nothing, what is missing, NVIDIA's folders. */
  private static final String QUESTION =
      """
      import importlib.util as u, os
      names = ["torch", "diffusers", "transformers"]
      missing = [n for n in names if u.find_spec(n) is None]
      version = ""
      if "torch" not in missing:
          from importlib.metadata import version as v
          version = v("torch")
      nvidia = u.find_spec("nvidia")
      places = list(nvidia.submodule_search_locations) if nvidia else []
      print(version)
      print(" and ".join(missing))
      print(os.pathsep.join(places))
      """;

  /**
   * Asks an interpreter.
   *
   * @throws IOException if it cannot be run
   */
  static Python ask(String command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(List.of(command, "-c", QUESTION))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    process.getOutputStream().close();
    String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    List<String> lines = answer.lines().toList();
    if (process.waitFor() != 0 || lines.size() < 2) {
      throw new IOException("--python " + command + " does not run Python 3");
    }
    String missing = lines.get(1);
    return new Python(
        command,
        missing.isEmpty() ? lines.getFirst() : command + " has no " + missing,
        missing.isEmpty(),
        lines.size() > 2 ? lines.get(2) : "");
  }
}
