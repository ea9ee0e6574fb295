package nacre.studio;

import java.io.IOException;
import java.nio.file.Path;
import nacre.cli.VersionCommand;

/** Everything that the calls share: models, scenes, queue, history and listeners. */
final class Studio implements AutoCloseable {
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
            : new SceneShelf(out.resolve("scenes"), settings.data(), models.assets(null));
    this.history = new History(out.resolve("history"), events);
    this.runs = new Runs(out.resolve("runs"), events);
    this.photos = new Photos(out.resolve("photos"));
    this.jobs = new JobQueue(new Engine(settings.device()), events);
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
