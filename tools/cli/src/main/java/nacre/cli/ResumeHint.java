package nacre.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The command that goes on with a run that was stopped. */
final class ResumeHint {
  /** What a run keeps, or what belonged to its beginning. */
  private static final Set<String> KEPT =
      Set.of(
          "--preset",
          "--out",
          "--resume",
          "--checkpoint",
          "--fresh",
          "--steps",
          "--minutes",
          "--seed",
          "--data",
          "--image-encoder",
          "--base",
          "--family",
          "--prediction",
          "--lora",
          "--dtype",
          "--debug");

  private ResumeHint() {}

  /**
   * The command, with every option of the one that was typed which the run does not keep.
   *
   * @param typed the arguments of {@code train}
   */
  static String command(RunFolder run, ParseResult typed) {
    List<String> words = new ArrayList<>();
    words.add("nacre train --resume --out " + quoted(run.root().toString()));
    for (OptionSpec option : typed.matchedOptions()) {
      String name = option.longestName();
      if (KEPT.contains(name)) {
        continue;
      }
      if (option.arity().max() == 0) {
        words.add(Boolean.FALSE.equals(option.getValue()) ? "--no-" + name.substring(2) : name);
      } else {
        option.stringValues().forEach(value -> words.add(name + " " + quoted(value)));
      }
    }
    return String.join(" ", words);
  }

  /** As a shell takes it for one word. */
  private static String quoted(String word) {
    return word.matches("[\\w@%+=:,./\\\\~-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
