package nacre.studio;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import nacre.cli.DrawingStart;
import nacre.cli.SamplePictures;
import nacre.cli.VersionCommand;
import nacre.cli.options.Seed;
import nacre.neuralassets.model.Sampler;

/** Everything that the calls share: models, scenes, queue, history and listeners. */
final class Studio implements AutoCloseable {
  private static final double PREPARING_GUIDANCE = 1.5;

  private final StudioSettings settings;
  private final String version;
  private final Models models;
  private final SceneShelf scenes;
  private final Events events = new Events();
  private final History history;
  private final JobQueue jobs;
  private final Photos photos;
  private final Runs runs;

  Studio(StudioSettings settings) throws IOException {
    this.settings = settings;
    this.version = VersionCommand.nacre();
    this.models = new Models(settings.models());
    Path out = settings.out().toAbsolutePath().normalize();
    // Without a model of scenes there is still text to image.
    this.scenes =
        models.assets().isEmpty()
            ? null
            : new SceneShelf(
                new DiskSpace(out.resolve("scenes"), settings.limits().sceneBytes()),
                settings.data(),
                models.assets(null));
    this.history = new History(out.resolve("history"), events);
    this.runs = new Runs(out.resolve("runs"), events);
    this.photos = new Photos(new DiskSpace(out.resolve("photos"), settings.limits().photoBytes()));
    this.jobs = new JobQueue(new Engine(settings.device()), events, this::prepare);
  }

  /** Draws a step of a scene, so that what the first picture needs is loaded before it is asked. */
  private void prepare(Engine engine) {
    if (models.assets().isEmpty()) {
      return;
    }
    Models.Assets model = models.assets(null);
    try {
      Sampler sampler = new Sampler(engine.assets(model.folder()), 1, PREPARING_GUIDANCE);
      int slots = SceneShelf.slots(model);
      Seed seed = Seed.ZERO;
      var order = new SamplePictures.Order(scenes.view("0", model), List.of(), 0);
      new SamplePictures(
              sampler, scenes.library(model), slots, seed, DrawingStart.Mode.ANEW, (_, _) -> {})
          .draw(List.of(order));
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      engine.close(); // the first job meets the same, and tells it
    }
  }

  StudioSettings settings() {
    return settings;
  }

  String version() {
    return version;
  }

  Path out() {
    return settings.out().toAbsolutePath().normalize();
  }

  Models models() {
    return models;
  }

  SceneShelf scenes() {
    if (scenes == null) {
      throw Refusal.bad("there is no model of scenes: start the studio with --models FOLDER");
    }
    return scenes;
  }

  Events events() {
    return events;
  }

  History history() {
    return history;
  }

  Runs runs() {
    return runs;
  }

  Photos photos() {
    return photos;
  }

  JobQueue jobs() {
    return jobs;
  }

  @Override
  public void close() {
    events.close();
    runs.close();
    jobs.close();
  }
}
