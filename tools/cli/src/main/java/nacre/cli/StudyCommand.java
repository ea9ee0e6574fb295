package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import nacre.cli.options.DeviceChoice;
import nacre.evaluation.study.StudyFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

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
final class StudyCommand implements Callable<Integer> {
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

  @Mixin private DeviceChoice device;

  @Override
  public Integer call() throws IOException {
    PrintStream out = System.out;
    StudyFile study = StudyFile.read(file, StudyMethods.names());
    String stem = file.getFileName().toString().replaceFirst("\\.json$", "");
    StudyFolder root = new StudyFolder(folder != null ? folder : Path.of("studies").resolve(stem));
    if (dryRun) {
      new StudyPlan(study, root, device.device()).print(out);
      return 0;
    }
    try (StopSignal stop = new StopSignal()) {
      if (!new Study(study, root, device.device(), out, stop::requested).run()) {
        out.println("stopped; the same command goes on");
        out.flush();
        return TrainCommand.INTERRUPTED;
      }
    } finally {
      device.explain(out::println);
    }
    return 0;
  }
}
