package nacre.tensor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;

/**
 * Where tensors lie and operations run. The kinds of devices are those whose {@link
 * BackendProvider} is on the class path or the module path: {@code cpu} comes with {@code
 * nacre-cpu}, {@code cuda} with {@code nacre-cuda}, and {@code reference}, plain and slow Java, is
 * always there.
 */
public final class Device {
  private static final Pattern NAME = Pattern.compile("([a-z][a-z0-9-]*)(?::(\\d{1,3}))?");
  private static final Map<String, String> ARTIFACTS =
      Map.of("cpu", "dev.nacre:nacre-cpu", "cuda", "dev.nacre:nacre-cuda");

  private record Key(String name, Map<Setting, String> settings) {}

  /** A device that is open, or is being opened by who holds its monitor. */
  private static final class Slot {
    private Device device;
  }

  private static final Map<Key, Slot> OPEN = new ConcurrentHashMap<>();

  private final String name;
  private final VersionedBackend backend;
  private final Device home; // null where it is found when asked for

  Device(String name, Backend backend) {
    this.name = name;
    this.backend = new VersionedBackend(backend);
    this.home = null;
  }

  /**
   * A device that stands for another.
   *
   * @param home its {@link #home}; itself if empty
   */
  Device(String name, Backend backend, Optional<Device> home) {
    this.name = name;
    this.backend = new VersionedBackend(backend);
    this.home = home.orElse(this);
  }

  /** Providers are looked up once; a class path does not change. */
  private static final class Providers {
    static final List<BackendProvider> ALL =
        ServiceLoader.load(BackendProvider.class, Device.class.getClassLoader()).stream()
            .map(ServiceLoader.Provider::get)
            .toList();
  }

  /**
   * The kinds of devices that this program knows, whether or not they can be used here.
   *
   * @return a provider each
   */
  public static List<BackendProvider> kinds() {
    return Providers.ALL;
  }

  /** The CPU. The same as {@code of("cpu")}. */
  public static Device cpu() {
    return of("cpu");
  }

  /** The oracle of the tests: one thread of plain, slow Java. */
  public static Device reference() {
    return of("reference");
  }

  /** The CPU if its backend is on the path, or else the oracle: a device in the host's memory. */
  public static Device host() {
    return provider("cpu").isPresent() ? cpu() : reference();
  }

  /**
   * The device of a name, with the settings of the process: {@code auto}, {@code cpu}, {@code
   * cuda}, {@code cuda:1} and so on. {@code auto} is the best that can be used here. A device that
   * was named is never replaced by another.
   *
   * @throws IllegalArgumentException if no backend on the path has such a device
   * @throws IllegalStateException if it cannot be used here, saying what is missing
   */
  public static Device of(String name) {
    return of(name, Settings.ofProcess());
  }

  /**
   * The device of a name. Opened once: asked for again with the same settings, it is the same. Only
   * {@link Setting#GRAPH}, {@link Setting#TF32}, {@link Setting#TUNE} and {@link Setting#NVTX} make
   * another device of the same GPU; threads, libraries and folders are the process's, as the first
   * call had them.
   *
   * @throws IllegalArgumentException if no backend on the path has such a device
   * @throws IllegalStateException if it cannot be used here, saying what is missing
   */
  public static Device of(String name, Settings settings) {
    if (name.equals("auto")) {
      return best(settings);
    }
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw unknown(name);
    }
    BackendProvider provider = provider(matcher.group(1)).orElseThrow(() -> unknown(name));
    int ordinal = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
    return open(provider, ordinal, settings);
  }

  private static Device open(BackendProvider provider, int ordinal, Settings settings) {
    Key key = new Key(provider.deviceName(ordinal, settings), settings.only(provider.settings()));
    Slot slot = OPEN.computeIfAbsent(key, _ -> new Slot());
    // Who wants another device need not wait, and a provider may ask for one itself.
    synchronized (slot) {
      if (slot.device == null) {
        slot.device = new Device(key.name(), provider.open(ordinal, settings));
      }
      return slot.device;
    }
  }

  private static Optional<BackendProvider> provider(String kind) {
    return only(kind, kinds());
  }

  /** The provider of a kind; two of one name are refused, as either might be meant. */
  static Optional<BackendProvider> only(String kind, List<BackendProvider> known) {
    List<BackendProvider> named = known.stream().filter(p -> p.kind().equals(kind)).toList();
    if (named.size() > 1) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "device: '%s' is offered by %s; take all but one off the path",
              kind,
              named.stream()
                  .map(p -> p.getClass().getName())
                  .collect(Collectors.joining(" and by "))));
    }
    return named.stream().findFirst();
  }

  /** Why a kind that auto prefers was passed over is logged: it never happens in silence. */
  private static Device best(Settings settings) {
    List<String> reasons = new ArrayList<>();
    List<BackendProvider> preferred =
        kinds().stream()
            .filter(p -> p.preference(settings) >= 0)
            .sorted(Comparator.comparingInt(p -> -p.preference(settings)))
            .toList();
    preferred.forEach(p -> provider(p.kind())); // two of one name are refused
    for (BackendProvider provider : preferred) {
      try {
        if (provider.count(settings) > 0) {
          return open(provider, 0, settings);
        }
        provider.requirements(settings).stream()
            .filter(requirement -> !requirement.met() && !requirement.optional())
            .forEach(requirement -> reasons.add(requirement.name() + ": " + requirement.finding()));
      } catch (IllegalStateException e) {
        reasons.add(e.getMessage());
        System.getLogger(Device.class.getName())
            .log(System.Logger.Level.WARNING, "device auto: {0}", e.getMessage());
      }
    }
    throw new IllegalStateException(
        "device: auto finds none that can be used; add dev.nacre:nacre-cpu to the path"
            + (reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")"));
  }

  private static IllegalArgumentException unknown(String name) {
    List<String> known = new ArrayList<>(List.of("auto"));
    kinds().stream().map(BackendProvider::kind).sorted().forEach(known::add);
    String kind = name.replaceFirst(":.*", "");
    String artifact = provider(kind).isPresent() ? null : ARTIFACTS.get(kind);
    return new IllegalArgumentException(
        artifact == null
            ? String.format(
                Locale.ROOT, "device: no device '%s'; known are %s", name, String.join(", ", known))
            : String.format(
                Locale.ROOT,
                "device: '%s' needs %s on the class path or the module path; known without it are"
                    + " %s",
                name,
                artifact,
                String.join(", ", known)));
  }

  /** The device's own backend, which notes nothing in tensors. */
  Backend plainBackend() {
    return backend.plain();
  }

  /** The backend that computes here. */
  public Backend backend() {
    return backend;
  }

  /**
   * Names what this thread has the device do until the range is closed, for the device's profiler,
   * if there is one: NVIDIA's Nsight shows it on a GPU.
   */
  public Range range(String name) {
    return plainBackend().range(name);
  }

  /** Whether the device's memory is the host's. */
  public boolean isHost() {
    return backend.allocator().isHostMemory();
  }

  /**
   * The device in the host's memory on which to keep what this one has no room for: itself, if its
   * memory is the host's.
   */
  public Device home() {
    if (home != null) {
      return home;
    }
    return isHost() ? this : host();
  }

  @Override
  public String toString() {
    return name;
  }
}
