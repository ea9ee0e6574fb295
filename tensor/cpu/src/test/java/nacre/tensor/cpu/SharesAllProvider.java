package nacre.tensor.cpu;

import java.util.function.IntConsumer;
import nacre.tensor.Settings;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;

/** The CPU with a team that shares the smallest loops too, so that small tests see them shared. */
public final class SharesAllProvider implements BackendProvider {
  @Override
  public String kind() {
    return "cpu-shares-all";
  }

  @Override
  public int count(Settings settings) {
    return 1;
  }

  @Override
  public Backend open(int ordinal, Settings settings) {
    return CpuProvider.create(settings, Eager::new);
  }

  private record Eager(Team team) implements Team {
    @Override
    public int threads() {
      return team.threads();
    }

    @Override
    public boolean runsLibrary() {
      return team.runsLibrary();
    }

    @Override
    public String describe() {
      return team.describe();
    }

    @Override
    public void runAll(IntConsumer part) {
      team.runAll(part);
    }

    @Override
    public void split(long n, boolean worth, Part part) {
      team.split(n, true, part);
    }
  }
}
