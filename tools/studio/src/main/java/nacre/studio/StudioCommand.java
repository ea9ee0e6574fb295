package nacre.studio;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import nacre.cli.options.Accepts;
import nacre.cli.options.DeviceChoice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code nacre studio}: the editor in the browser. */
@Command(
    name = "studio",
    description =
        "Edit scenes in 3D in the browser and see them drawn; runs until it is interrupted.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class StudioCommand implements Callable<Integer> {
  @Option(
      names = "--port",
      paramLabel = "N",
      description = "The port; 7860 unless given, 0 for any that is free.")
  @Accepts(from = 0, to = 65535)
  private int port = 7860;

  @Option(
      names = "--host",
      paramLabel = "NAME",
      description =
          "The address to listen at; 127.0.0.1 unless given. Any but this machine's own needs a"
              + " token.")
  private String host = Address.LOCAL;

  @Option(
      names = "--token",
      paramLabel = "TEXT",
      description =
          "The token that requests must carry; one is made up where it is needed and not given.")
  private String token;

  @Option(names = "--no-browser", description = "Print the address and open no browser.")
  private boolean noBrowser;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      description = "Where pictures, scenes of yours and runs go; studio unless given.")
  private Path out = Path.of("studio");

  @Option(
      names = "--models",
      paramLabel = "FOLDER",
      description =
          "A model, a run or a folder of such, Stable Diffusion's too; may be given several times."
              + " The model that comes with Nacre unless given.")
  private List<Path> models = new ArrayList<>();

  @Option(
      names = "--data",
      paramLabel = "[NAME:]PATH",
      description = "A data set whose scenes are offered; may be given several times.")
  private List<String> data = new ArrayList<>();

  @Mixin private DeviceChoice device;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Address address = Address.of(host, port, token);
    StudioSettings settings = new StudioSettings(address, out, models, data, device.device());
    try (StudioServer server = StudioServer.start(settings)) {
      URI page = server.page();
      System.out.println("studio  " + page);
      System.out.println("        ends with Ctrl-C");
      if (!noBrowser) {
        Browser.open(page);
      }
      CountDownLatch interrupted = new CountDownLatch(1);
      Runtime.getRuntime().addShutdownHook(new Thread(server::close, "studio ends"));
      interrupted.await();
    }
    return 0;
  }
}
