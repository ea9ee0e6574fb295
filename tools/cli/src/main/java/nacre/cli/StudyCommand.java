package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.DeviceChoice;
import nacre.cli.options.UsageException;
import nacre.cli.ranks.Ranks;
import nacre.evaluation.study.StudyFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nacre study}. */
@Command(
    name = "study",
    description = {
      "Train variants of a preset on equal budgets, and compare them on the benchmark of edits.",
      "",
      "FILE says which variants, seeds and methods, in JSON. What is done already in the study's",
      "folder is not done again: the same command goes on where it was stopped.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class StudyCommand implements Callable<Integer>, ManyProcesses {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "The study.")
  private Path file;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      description =
          "The folder of runs, tables and plots; studies/ and the file's name unless given.")
  private Path folder;

  @Option(
      names = "--dry-run",
      description = "Say what would be trained, and about how long it would take.")
  private boolean dryRun;

  @Option(
      names = "--jobs",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Runs at a time, each in a process of its own with its share of the cores; 1 unless"
              + " given.")
  @Accepts(from = 1, to = 64)
  private int jobs;

  @Option(
      names = "--run",
      paramLabel = "VARIANT-seedN",
      description = "Only this run of the study; several machines may share a study's folder so.")
  private String only;

  @Mixin private DeviceChoice device;

  @Override
  public Integer call() throws IOException {
    PrintStream out = System.out;
    StudyFile study = StudyFile.read(file, Baselines.names());
    String stem = file.getFileName().toString().replaceFirst("\\.json$", "");
    StudyFolder root = new StudyFolder(folder != null ? folder : Path.of("studies").resolve(stem));
    Ranks ranks = Ranks.current();
    if (ranks.several() && (dryRun || only != null || jobs > 1)) {
      throw new UsageException(
          "several processes divide a study's runs by themselves: leave out --dry-run, --run and"
              + " --jobs");
    }
    if (ranks.several()) {
      if (ranks.isFirst()) {
        Files.createDirectories(root.root());
      }
      ranks.requireShared(root.root());
    }
    if (dryRun && (only != null || jobs > 1)) {
      throw new UsageException(
          "--dry-run tells of all runs, one after the other: leave out the rest");
    }
    if (dryRun) {
      new StudyPlan(study, root, device.device()).print(out);
      return 0;
    }
    if (only != null && jobs > 1) {
      throw new UsageException("--run is one run, which --jobs cannot divide");
    }
    try (StopSignal stop = new StopSignal()) {
      Study all = new Study(study, root, device.device(), out, stop::requested);
      boolean finished;
      if (only != null) {
        finished = all.only(only);
      } else if (jobs > 1) {
        finished = new StudyJobs(study, root, jobs, workers(), out, stop::requested).run(all);
      } else {
        finished = all.run();
      }
      if (!finished) {
        out.println("stopped; the same command goes on");
        out.flush();
        return TrainCommand.INTERRUPTED;
      }
    } finally {
      device.explain(out::println);
    }
    return 0;
  }

  /** The words after {@code nacre} of a process that does one run, whose name follows them. */
  private List<String> workers() {
    List<String> words = new ArrayList<>(List.of("study", file.toString()));
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (option.longestName().equals("--jobs")) {
        continue;
      }
      words.add(option.longestName());
      if (option.arity().max() > 0) {
        words.addAll(option.originalStringValues());
      }
    }
    words.add("--run");
    return words;
  }
}
