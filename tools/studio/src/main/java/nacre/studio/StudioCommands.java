package nacre.studio;

import java.util.List;
import nacre.cli.CommandProvider;

/** The provider of {@code nacre studio}. */
public final class StudioCommands implements CommandProvider {
  @Override
  public List<Object> commands() {
    return List.of(new StudioCommand());
  }
}
