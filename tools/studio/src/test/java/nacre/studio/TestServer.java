package nacre.studio;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.tensor.Device;

/** A server for tests of the page, at a port of its own, with the model that ships. */
final class TestServer {
  /** The repository's root, in whose modules tests run. */
  static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();

  private TestServer() {}

  /**
   * Starts one.
   *
   * @param out where its pictures and runs go
   * @param models beside the one that ships
   */
  static StudioServer start(Path out, List<Path> models, List<String> data) throws IOException {
    List<Path> all = new ArrayList<>(List.of(ROOT.resolve("models/demo")));
    all.addAll(models);
    Address local = Address.of(Address.LOCAL, 0, null);
    return StudioServer.start(new StudioSettings(local, out, all, data, Device.of("cpu")));
  }
}
