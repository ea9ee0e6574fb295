package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Every option of every command with values that make no sense: status 2, and a plain sentence. */
@Timeout(120) // what is accepted by mistake would begin to train
class ArgumentsTest {
  /** Values that are numbers but seldom meant, and such as are no numbers. */
  private static final List<String> NUMBERS =
      List.of("0", "-1", "NaN", "1e400", "99999999999999999999", "1e300", "", "abc", "0x10");

  /** What numeric options accept of these; all else is refused. A new option must be listed. */
  private static final Map<String, Set<String>> ACCEPTED =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("train --steps", Set.of()),
              Map.entry("train --minutes", Set.of()),
              Map.entry("train --checkpoint-minutes", Set.of()),
              Map.entry("train --eval-pairs", Set.of("0")),
              Map.entry("train --lora", Set.of()),
              Map.entry("train --readers", Set.of()),
              Map.entry("sample --steps", Set.of()),
              Map.entry("sample --guidance", Set.of("0")),
              Map.entry("sample --scene-seed", Set.of("0")),
              Map.entry("sample --rows", Set.of()),
              Map.entry("sample --source", Set.of("0")),
              Map.entry("sample --target", Set.of("0")),
              Map.entry("sample --images", Set.of()),
              Map.entry("sample --keep-background", Set.of("0")),
              Map.entry("sample --batch", Set.of()),
              Map.entry("sample --strength", Set.of("0")),
              Map.entry("sample --eta", Set.of("0")),
              Map.entry("sample --clip-skip", Set.of("0")),
              Map.entry("eval --pairs", Set.of()),
              Map.entry("eval --steps", Set.of()),
              Map.entry("eval --guidance", Set.of("0")),
              Map.entry("eval --seeds", Set.of()),
              Map.entry("eval --benchmark", Set.of()),
              Map.entry("eval --keep-background", Set.of("0")),
              Map.entry("study --jobs", Set.of()),
              Map.entry("sample --tiles", Set.of()),
              Map.entry("data edits --cases", Set.of()),
              Map.entry("data edits --size", Set.of()),
              Map.entry("data render --clips", Set.of()),
              Map.entry("data render --size", Set.of()),
              Map.entry("data render --samples", Set.of()),
              Map.entry("data render --min-objects", Set.of("0")),
              Map.entry("data render --max-objects", Set.of("0")),
              Map.entry("data pack --size", Set.of()),
              Map.entry("data pack --shard-mb", Set.of()),
              Map.entry("data stats --pairs", Set.of()),
              Map.entry("data inspect --scene-seed", Set.of("0")),
              Map.entry("data inspect --size", Set.of()),
              Map.entry("verify --tolerance", Set.of("0"))));

  /** The texts that may be empty. */
  private static final Set<String> MAY_BE_EMPTY =
      Set.of("sample --prompt", "sample --negative", "weights inspect --only");

  /** The status of parsing and checking a command line, without running it. */
  private static int status(StringWriter err, List<String> words) {
    CommandLine line = Nacre.commandLine(new PrintWriter(err, true));
    line.setExecutionStrategy(
        parsed -> {
          ArgumentCheck.check(parsed);
          return 0;
        });
    return line.execute(words.toArray(String[]::new));
  }

  private static void collect(CommandLine command, String name, Map<String, CommandLine> all) {
    command
        .getSubcommands()
        .forEach(
            (word, sub) -> {
              String full = (name + " " + word).strip();
              if (sub.getSubcommands().isEmpty()) {
                all.put(full, sub);
              }
              collect(sub, full, all);
            });
  }

  private static Map<String, CommandLine> commands() {
    Map<String, CommandLine> all = new TreeMap<>();
    collect(Nacre.commandLine(new PrintWriter(new StringWriter())), "", all);
    return all;
  }

  private static Class<?> type(OptionSpec option) {
    return option.auxiliaryTypes().length > 0 ? option.auxiliaryTypes()[0] : option.type();
  }

  private static boolean isNumeric(OptionSpec option) {
    Class<?> type = type(option);
    return Number.class.isAssignableFrom(type) || type.isPrimitive() && type != boolean.class;
  }

  /** The words of a command with one option, and all that it requires besides. */
  private static List<String> words(
      String name, CommandLine command, OptionSpec option, String value) {
    List<String> words = new ArrayList<>(List.of(name.split(" ")));
    words.add(option.longestName() + "=" + value);
    for (OptionSpec other : command.getCommandSpec().options()) {
      if (other.required() && other.group() == null && other != option) {
        words.add(other.longestName() + "=x");
      }
    }
    for (PositionalParamSpec place : command.getCommandSpec().positionalParameters()) {
      for (int i = 0; i < place.arity().min(); i++) {
        words.add("x");
      }
    }
    return words;
  }

  @TestFactory
  List<DynamicTest> everyOption() {
    List<DynamicTest> tests = new ArrayList<>();
    commands()
        .forEach(
            (name, command) -> {
              for (OptionSpec option : command.getCommandSpec().options()) {
                String full = name + " " + option.longestName();
                if (isNumeric(option)) {
                  tests.add(
                      DynamicTest.dynamicTest(full, () -> numeric(full, name, command, option)));
                } else if (option.arity().max() > 0) {
                  tests.add(
                      DynamicTest.dynamicTest(full, () -> empty(full, name, command, option)));
                }
              }
            });
    return tests;
  }

  private static void numeric(String full, String name, CommandLine command, OptionSpec option) {
    Set<String> accepted = new TreeSet<>();
    for (String value : NUMBERS) {
      StringWriter err = new StringWriter();
      int status = status(err, words(name, command, option, value));
      if (status == 0) {
        accepted.add(value);
        continue;
      }
      assertRefused(status, err, option.longestName(), value.isEmpty() ? "empty" : "");
      assertTrue(err.toString().contains("must be a"), err::toString);
    }
    assertEquals(new TreeSet<>(ACCEPTED.getOrDefault(full, Set.of("not in the table"))), accepted);
  }

  private static void empty(String full, String name, CommandLine command, OptionSpec option) {
    StringWriter err = new StringWriter();
    int status = status(err, words(name, command, option, ""));
    if (MAY_BE_EMPTY.contains(full)) {
      assertEquals(0, status, err::toString);
    } else {
      assertRefused(status, err, option.longestName(), "");
    }
  }

  private static void assertRefused(int status, StringWriter err, String... texts) {
    String line = err.toString();
    assertEquals(2, status, line);
    assertEquals(1, line.lines().count(), line);
    assertTrue(line.startsWith("nacre: --") && line.endsWith("what there is)\n"), line);
    for (String text : texts) {
      assertTrue(line.contains(text), line);
    }
    for (String jargon : List.of("Invalid", "Unmatched", "index", "boolean", "long", "double")) {
      assertFalse(line.substring(0, line.lastIndexOf('(')).contains(jargon), line);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          train --steps abc              | --steps is abc, must be a whole number from 1 to 1000000000
          train --steps 0                | --steps is 0, must be a whole number from 1 to 1000000000
          train --seed 1e9               | --seed: '1e9' is no seed, which is a whole number from
          sample --seed 18446744073709551616 | --seed: '18446744073709551616' is no seed, which is a whole number from
          data render --out x --seed NaN | --seed: 'NaN' is no seed, which is a whole number from
          train --minutes 0              | --minutes is 0.0, must be a number above 0, 10000000 at most
          sample --guidance NaN          | --guidance is NaN, must be a number from 0 to 1000
          train --stpes 3                | there is no option --stpes; did you mean --steps?
          sample --cuont 3               | there is no option --cuont
          sample a fox                   | 'a' is one word too many, where options are wanted; a text with blanks wants quotes
          sample --edit                  | --edit wants a value after it: EDIT
          sample --edit --truth          | --edit wants a value after it: EDIT
          data render                    | --out FOLDER is missing
          weights convert a              | OUT is missing
          train --steps 3 --minutes 3    | --steps and --minutes exclude each other
          train --steps 3 --steps 4      | --steps is given twice
          train --seed 3 --seed 4        | --seed is given twice
          train --resume=yes             | --resume takes no value
          weights convert --dtype f12 a b | --dtype is f12, must be one of f32, f16, bf16
          train --dtype int8             | --dtype: 'int8' is not known; known are float32 (or f32), bfloat16 (or bf16)
          train --preset demmo           | --preset: there is no preset 'demmo'; there are 3dit-multi, autoencoder, demo,
          train --device abacus          | --device: no device 'abacus'; known are
          verify --device abacus x       | --device: no device 'abacus'; known are
          train --resume --fresh         | --resume and --fresh exclude each other
          train --eval-pairs 1           | --eval-pairs is 1, must be 0 or more than 1
          data render --out x --min-objects 5 --max-objects 3 | --max-objects is 3, must be --min-objects, 5, or more
          weights inspect --only [ x     | --only [:
          weights convert --family sd9 x y | --family: 'sd9' is not known; known are sd-1.5, sd-2.1-base, sd-2.1
          help trian                     | there is no command 'trian'; did you mean train?
          trian                          | there is no command 'trian'; did you mean train?
          data redner                    | there is no command 'redner'; did you mean render?
          """)
  void whatCannotBeMeantIsStatusTwo(String line, String message) {
    CommandLineRun run = CommandLineRun.of((Object[]) line.split(" "));
    assertEquals(2, run.status(), run::err);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().startsWith("nacre: " + message), run::err);
    assertEquals("", run.out());
  }

  @ParameterizedTest
  @CsvSource({
    "train --preset nowhere.json,nowhere.json: no such file or folder",
    "eval --model nowhere,nowhere: no such folder",
    "weights inspect nowhere.safetensors,nowhere.safetensors: no such file",
    "data inspect nowhere,nowhere: does not exist"
  })
  void whatFailsIsStatusOne(String line, String message) {
    CommandLineRun run = CommandLineRun.of((Object[]) line.split(" "));
    assertEquals(1, run.status(), run::err);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().startsWith("nacre: ") && run.err().contains(message), run::err);
  }

  @Test
  void aMistypedPresetIsGuessed() {
    CommandLineRun run = CommandLineRun.of("train", "--preset", "demmo");
    assertTrue(run.err().strip().endsWith("any JSON file; did you mean demo?"), run::err);
  }

  @ParameterizedTest
  @CsvSource({"'',train", "data,render", "weights,convert", "help,train", "help data,inspect"})
  void aCommandAloneListsWhatThereIs(String line, String listed) {
    Object[] words = line.isEmpty() ? new Object[0] : line.split(" ");
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Nacre.commandLine(new PrintWriter(err, true))
            .setOut(new PrintWriter(out, true))
            .execute(Arrays.copyOf(words, words.length, String[].class));
    boolean help = line.startsWith("help");
    assertEquals(help ? 0 : 2, status);
    String text = (help ? out : err).toString();
    assertTrue(text.matches("(?s).*\\n +" + listed + " +[A-Z].*"), text);
    assertEquals("", (help ? err : out).toString());
    assertEquals(!help, text.contains("nacre: which command?"));
  }

  @Test
  void aMistypedFileIsGuessed(@TempDir Path folder) throws Exception {
    Files.createDirectory(folder.resolve("my-scenes"));
    CommandLineRun run = CommandLineRun.of("data", "inspect", folder.resolve("my-scens"));
    assertTrue(run.err().contains("did you mean " + folder.resolve("my-scenes")), run::err);
  }
}
