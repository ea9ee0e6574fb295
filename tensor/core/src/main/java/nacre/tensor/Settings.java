package nacre.tensor;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.Set;

/**
 * What was set from outside: the program's own options first, then system properties, then
 * environment variables. The only place that reads any of them. Immutable.
 */
public final class Settings {
  private static final Set<String> ON = Set.of("on", "true", "yes", "1");
  private static final Set<String> OFF = Set.of("off", "false", "no", "0");

  private final Map<Setting, String> values;
  private final Map<String, String> environment;
  private final Path home;
  private final String system;

  private Settings(
      Map<Setting, String> values, Map<String, String> environment, Path home, String system) {
    this.values = values;
    this.environment = environment;
    this.home = home;
    this.system = system;
  }

  /**
   * What this process was started with.
   *
   * @throws IllegalArgumentException if a switch is neither on nor off, or a number is none
   */
  public static Settings ofProcess() {
    Settings settings = of(System.getProperties(), System.getenv());
    settings.check();
    return settings;
  }

  /** A mistake is told at once, also where the device at hand would not ask. */
  private void check() {
    threads();
    rankTimeout();
    graph();
    tf32();
    tune();
    nvtx();
  }

  /** What these system properties and environment variables say. */
  public static Settings of(Properties properties, Map<String, String> environment) {
    Map<Setting, String> values = new EnumMap<>(Setting.class);
    for (Setting setting : Setting.values()) {
      String value =
          properties.getProperty(setting.property(), environment.get(setting.variable()));
      if (value != null && !value.isBlank()) {
        values.put(setting, value.strip());
      }
    }
    return new Settings(
        values,
        Map.copyOf(environment),
        Path.of(properties.getProperty("user.home", "")),
        properties.getProperty("os.name", "").toLowerCase(Locale.ROOT));
  }

  /** These settings with one of them replaced, as by an option of the command line. */
  public Settings with(Setting setting, String value) {
    Map<Setting, String> changed = new EnumMap<>(Setting.class);
    changed.putAll(values);
    changed.put(setting, value);
    return new Settings(changed, environment, home, system);
  }

  /** What was given for a setting, if anything was. */
  public Optional<String> get(Setting setting) {
    return Optional.ofNullable(values.get(setting));
  }

  /** What some of the settings mean: however a switch was said, and also where it was not. */
  Map<Setting, String> only(Set<Setting> some) {
    Map<Setting, String> kept = new EnumMap<>(Setting.class);
    for (Setting setting : some) {
      String meaning =
          switch (setting) {
            case GRAPH -> onOrOff(graph());
            case TF32 -> onOrOff(tf32());
            case TUNE -> onOrOff(tune());
            case NVTX -> onOrOff(nvtx());
            case THREADS, ONEDNN, CACHE, CUDA_LIBS, CUDA_SIM, MPI_LIBS, RANK_TIMEOUT ->
                values.get(setting);
          };
      if (meaning != null) {
        kept.put(setting, meaning);
      }
    }
    return Collections.unmodifiableMap(kept);
  }

  private static String onOrOff(boolean on) {
    return on ? "on" : "off";
  }

  /** All environment variables of the process, for conventions that are not Nacre's own. */
  public Map<String, String> environment() {
    return environment;
  }

  /**
   * The number of threads asked for, by {@link Setting#THREADS} or else by {@code OMP_NUM_THREADS}.
   *
   * @throws IllegalArgumentException if it is not a positive whole number
   */
  public OptionalInt threads() {
    if (values.containsKey(Setting.THREADS)) {
      return OptionalInt.of(threads(named(Setting.THREADS), values.get(Setting.THREADS)));
    }
    String list = environment.getOrDefault("OMP_NUM_THREADS", "");
    // OpenMP takes a list, one number for each level of nesting; the first counts here.
    return list.isBlank()
        ? OptionalInt.empty()
        : OptionalInt.of(threads("OMP_NUM_THREADS", list.split(",", 2)[0]));
  }

  private static int threads(String name, String asked) {
    try {
      int threads = Integer.parseInt(asked.strip());
      if (threads > 0) {
        return threads;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number that makes no sense.
    }
    throw new IllegalArgumentException(
        name + " is \"" + asked + "\"; it takes a number of threads, 1 or more");
  }

  /** {@code bundled}, {@code off}, or the path of a shared library. */
  public String oneDnn() {
    return get(Setting.ONEDNN).orElse("bundled");
  }

  /** The folder for what is unpacked and compiled: as given, or where the system keeps caches. */
  public Path cache() {
    if (values.containsKey(Setting.CACHE)) {
      return path(Setting.CACHE);
    }
    if (system.startsWith("windows")) {
      String local = environment.get("LOCALAPPDATA");
      return (local == null ? home.resolve("AppData").resolve("Local") : Path.of(local))
          .resolve("nacre");
    }
    if (system.startsWith("mac")) {
      return home.resolve("Library").resolve("Caches").resolve("nacre");
    }
    String xdg = environment.get("XDG_CACHE_HOME");
    // The XDG specification has a relative path ignored.
    Path base = xdg == null || !xdg.startsWith("/") ? home.resolve(".cache") : Path.of(xdg);
    return base.resolve("nacre");
  }

  /** The library of the simulated GPU, if tests ask for it. */
  public Optional<Path> cudaSimulator() {
    return get(Setting.CUDA_SIM).map(_ -> path(Setting.CUDA_SIM).toAbsolutePath());
  }

  /**
   * After how much silence another rank of the run counts as lost.
   *
   * @throws IllegalArgumentException if it is not a whole number of seconds from 5 to a day
   */
  public Duration rankTimeout() {
    String value = values.getOrDefault(Setting.RANK_TIMEOUT, "45");
    if (!value.matches("\\d{1,5}")
        || Integer.parseInt(value) < 5
        || Integer.parseInt(value) > 86_400) {
      throw new IllegalArgumentException(
          named(Setting.RANK_TIMEOUT)
              + " is \""
              + value
              + "\"; it takes a number of seconds, from 5 to 86400");
    }
    return Duration.ofSeconds(Integer.parseInt(value));
  }

  /** Whether captured steps become CUDA graphs. */
  public boolean graph() {
    return isOn(Setting.GRAPH, true);
  }

  /** Whether f32 products on a GPU may round their operands to 10 bits of fraction. */
  public boolean tf32() {
    return isOn(Setting.TF32, false);
  }

  /** Whether a GPU's products are timed with several algorithms when they first run. */
  public boolean tune() {
    return isOn(Setting.TUNE, false);
  }

  /** Whether layers are named to a GPU's profiler: where it was asked for, or where one is. */
  public boolean nvtx() {
    // What NVIDIA's profilers give the programs that they start.
    String profiler = environment.get("NVTX_INJECTION64_PATH");
    return isOn(Setting.NVTX, profiler != null && !profiler.isBlank());
  }

  private boolean isOn(Setting setting, boolean otherwise) {
    String value = values.get(setting);
    if (value == null) {
      return otherwise;
    }
    String word = value.toLowerCase(Locale.ROOT);
    if (!ON.contains(word) && !OFF.contains(word)) {
      throw new IllegalArgumentException(
          named(setting) + " is \"" + value + "\"; it takes on or off");
    }
    return ON.contains(word);
  }

  private Path path(Setting setting) {
    try {
      return Path.of(values.get(setting));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          named(setting) + " is \"" + values.get(setting) + "\", which is not a path", e);
    }
  }

  private static String named(Setting setting) {
    return setting.property() + " or " + setting.variable();
  }
}
