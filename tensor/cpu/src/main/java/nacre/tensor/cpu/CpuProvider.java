package nacre.tensor.cpu;

import java.lang.System.Logger.Level;
import java.util.function.UnaryOperator;
import nacre.bindings.NativeLibraries;
import nacre.bindings.NativeLibrary;
import nacre.bindings.OneDnnChoice;
import nacre.bindings.OpenMp;
import nacre.bindings.Processors;
import nacre.tensor.Settings;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.cpu.onednn.OneDnnEngine;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;
import nacre.tensor.spi.HostAllocator;

/**
 * The device {@code cpu}: oneDNN and vectorized loops, or plain Java where oneDNN does not load.
 */
public final class CpuProvider implements BackendProvider {
  @Override
  public String kind() {
    return "cpu";
  }

  @Override
  public int preference(Settings settings) {
    return 0;
  }

  @Override
  public int count(Settings settings) {
    return 1;
  }

  @Override
  public Backend open(int ordinal, Settings settings) {
    if (ordinal != 0) {
      throw new IllegalStateException("cpu:" + ordinal + ": there is one only");
    }
    return create(settings, team -> team);
  }

  /** The backend with a team that works as {@code sharing} makes it, for tests. */
  static CpuBackend create(Settings settings, UnaryOperator<Team> sharing) {
    return create(
        new OneDnnChoice(
            settings.oneDnn(),
            settings.threads().orElseGet(Processors::physicalCores),
            settings.cache(),
            settings.environment()),
        sharing);
  }

  /**
   * The backend of the CPU: oneDNN if it loads, else plain Java and the reason why, which is logged
   * as a warning unless oneDNN was switched off.
   */
  private static CpuBackend create(OneDnnChoice choice, UnaryOperator<Team> sharing) {
    return switch (NativeLibraries.oneDnn(choice)) {
      case NativeLibrary.Loaded library -> {
        Allocator allocator = new HostAllocator();
        MatrixEngine engine = new OneDnnEngine(library, allocator);
        Team team = OpenMp.isAvailable() ? new OpenMpTeam() : new JavaTeam(choice.threads());
        String what =
            "cpu: " + engine.describe() + ", " + team.describe() + tooMany(choice.threads());
        yield new CpuBackend(engine, allocator, sharing.apply(team), what);
      }
      case NativeLibrary.Unavailable none -> {
        CpuBackend backend = withoutLibrary(none.reason(), choice.threads());
        if (!choice.isOff()) {
          System.getLogger("nacre.tensor.cpu").log(Level.WARNING, backend.describe());
        }
        yield backend;
      }
    };
  }

  static CpuBackend withoutLibrary(String reason, int threads) {
    Team team = new JavaTeam(threads);
    String why = "cpu: plain Java, " + team.describe() + tooMany(threads) + ", slow: " + reason;
    return new CpuBackend(null, new HostAllocator(), team, why);
  }

  /** What a user should know who asked for more threads than can run at a time. */
  private static String tooMany(int threads) {
    int processors = Runtime.getRuntime().availableProcessors();
    return threads > processors ? " on " + processors + " processors, which is slow" : "";
  }
}
