package nacre.lab.calls;

import jcuda.driver.JCudaDriver;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * The benchmark of driver calls through FFM and, where JCuda's library loads, through JNI. Takes
 * JMH's own options, such as {@code -f 1 -rff FILE}; results are JSON.
 */
public final class Main {
  private Main() {}

  /** Runs the benchmarks, or prints in one line why it cannot. */
  public static void main(String[] arguments) throws RunnerException, CommandLineOptionException {
    try {
      Gpu.require();
    } catch (IllegalStateException e) {
      System.err.println("calls: " + e.getMessage());
      System.exit(1);
    }
    CommandLineOptions words = new CommandLineOptions(arguments);
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .parent(words)
            .resultFormat(ResultFormatType.JSON)
            .shouldFailOnError(true)
            .timeout(TimeValue.minutes(1))
            .jvmArgsAppend("-Djmh.ignoreLock=true")
            .include(Ffm.class.getName());
    String missing = jcuda();
    if (missing.isEmpty()) {
      options.include(Jcuda.class.getName());
    } else {
      System.out.println("calls: JCuda does not load here, FFM is timed alone: " + missing);
    }
    new Runner(options.build()).run();
  }

  /** The reason why JCuda cannot be used; empty if it can. */
  private static String jcuda() {
    try {
      Gpu.check(JCudaDriver.cuInit(0), "cuInit");
      return "";
    } catch (UnsatisfiedLinkError e) {
      // Its message is two stack traces, of which the last tells what the system's loader said.
      String mark = "UnsatisfiedLinkError: ";
      return e.getMessage()
          .lines()
          .filter(line -> line.contains(mark))
          .map(line -> line.substring(line.indexOf(mark) + mark.length()))
          .reduce("for no reason given", (earlier, later) -> later);
    }
  }
}
