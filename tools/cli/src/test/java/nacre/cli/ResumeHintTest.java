package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What is told after a stop begins the same run again, in the same way. */
class ResumeHintTest {
  private static String hint(String... typed) {
    String[] words = new String[typed.length + 1];
    words[0] = "train";
    System.arraycopy(typed, 0, words, 1, typed.length);
    var parsed = Nacre.commandLine(new PrintWriter(new StringWriter())).parseArgs(words);
    return ResumeHint.command(new RunFolder(Path.of("runs", "a b")), parsed.subcommand());
  }

  @Test
  void whatTheRunKeepsIsNotRepeated() {
    String plain = "nacre train --resume --out '" + Path.of("runs", "a b") + "'";
    assertEquals(plain, hint());
    assertEquals(
        plain,
        hint(
            "--preset",
            "paper",
            "--base",
            "sd",
            "--family",
            "sd1",
            "--prediction",
            "v",
            "--lora",
            "4",
            "--image-encoder",
            "dino",
            "--seed",
            "3",
            "--data",
            "scenes",
            "--dtype",
            "bf16",
            "--minutes",
            "5",
            "--fresh",
            "--debug"));
    assertEquals(plain, hint("--resume", "--checkpoint", "20", "--steps", "9", "--out", "x"));
  }

  @Test
  void everythingElseIs() {
    assertEquals(
        hint()
            + " --cache-latents 'it'\\''s here' --device cuda:1 --no-graph --cuda-libs /opt/cuda"
            + " --explain --checkpoint-minutes 2 --eval-pairs 0 --no-sheet",
        hint(
            "--cache-latents",
            "it's here",
            "--device",
            "cuda:1",
            "--no-graph",
            "--cuda-libs=/opt/cuda",
            "--explain",
            "--checkpoint-minutes",
            "2",
            "--eval-pairs",
            "0",
            "--no-sheet"));
    assertEquals(hint() + " --readers 3 --skip-bad", hint("--readers", "3", "--skip-bad"));
    assertEquals(hint() + " --sheet", hint("--sheet"));
  }
}
