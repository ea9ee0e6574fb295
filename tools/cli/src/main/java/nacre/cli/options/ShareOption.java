package nacre.cli.options;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.cli.ranks.Ranks;
import nacre.neuralassets.data.Share;
import picocli.CommandLine.Option;

/** The option {@code --share} of commands whose work several processes may divide. */
public final class ShareOption {
  private static final Pattern FORM = Pattern.compile("(\\d{1,6})/(\\d{1,6})");

  @Option(
      names = "--share",
      paramLabel = "K/N",
      description =
          "Do the K-th of N equal parts, where N processes divide the work; under mpirun or srun"
              + " each has its own unless given.")
  private String text;

  /**
   * The share that was asked for.
   *
   * @throws UsageException if it is no share
   */
  public Share share() {
    if (text == null) {
      return Ranks.current().share();
    }
    Matcher form = FORM.matcher(text);
    if (form.matches()) {
      int part = Integer.parseInt(form.group(1));
      int parts = Integer.parseInt(form.group(2));
      if (part >= 1 && part <= parts) {
        return new Share(part - 1, parts);
      }
    }
    throw new UsageException(
        String.format(Locale.ROOT, "--share %s: say which of how many parts, as 1/4 to 4/4", text));
  }
}
