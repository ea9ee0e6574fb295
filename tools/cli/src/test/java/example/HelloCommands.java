package example;

import java.util.List;
import java.util.concurrent.Callable;
import nacre.cli.CommandProvider;
import nacre.cli.options.UserException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A command of one's own. */
public final class HelloCommands implements CommandProvider {
  @Override
  public List<Object> commands() {
    return List.of(new Hello());
  }

  /** {@code nacre hello}. */
  @Command(name = "hello", description = "Greet somebody.", mixinStandardHelpOptions = true)
  static final class Hello implements Callable<Integer> {
    @Option(names = "--name", required = true, paramLabel = "NAME", description = "Whom to greet.")
    private String name;

    @Override
    public Integer call() {
      if (name.isBlank()) {
        throw new UserException("--name is blank");
      }
      System.out.println("Hello, " + name + "!");
      return 0;
    }
  }
}
