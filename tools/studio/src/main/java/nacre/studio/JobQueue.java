package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import nacre.cli.Failure;

/**
 * The jobs: those that wait, the one that runs, and the last that ended. One thread runs them one
 * after the other, since they share one model and all cores; a job that fails ends alone.
 */
final class JobQueue implements AutoCloseable {
  private static final int MOST_WAITING = 64;
  private static final int ENDED_KEPT = 50;

  private final Engine engine;
  private final Events events;
  private final Consumer<Engine> prepare;
  private final Thread worker;
  private final Deque<Job> waiting = new ArrayDeque<>();
  private final Deque<Job> ended = new ArrayDeque<>();
  private Job running;
  private long count;
  private boolean closed;

  /**
   * An empty queue, whose worker prepares while it is.
   *
   * @param prepare what the worker does first
   */
  JobQueue(Engine engine, Events events, Consumer<Engine> prepare) {
    this.prepare = prepare;
    this.engine = engine;
    this.events = events;
    // A platform thread: computing would occupy a virtual thread's carrier for good.
    this.worker = Thread.ofPlatform().name("studio worker").daemon().start(this::work);
  }

  /** Adds a job. */
  Job submit(String kind, String client, ObjectNode request, Job.Work work) {
    List<Job> replaced = new ArrayList<>();
    Job job;
    synchronized (this) {
      if (closed) {
        throw new Refusal(503, "the server is ending");
      }
      if (kind.equals("preview")) {
        waiting.stream()
            .filter(j -> j.kind().equals(kind) && j.client().equals(client))
            .forEach(replaced::add);
        replaced.forEach(this::drop);
      }
      if (waiting.size() >= MOST_WAITING) {
        throw new Refusal(
            429, MOST_WAITING + " jobs wait already: cancel some, or wait until one has ended");
      }
      job = new Job("j" + ++count, kind, client, request, work);
      waiting.add(job);
      replaced.forEach(this::tell);
      tell(job); // before the worker can tell that it runs
      notifyAll();
    }
    return job;
  }

  private void drop(Job job) {
    waiting.remove(job);
    job.cancel();
    remember(job);
  }

  private void remember(Job job) {
    ended.addFirst(job);
    while (ended.size() > ENDED_KEPT) {
      ended.removeLast();
    }
  }

  /** Cancels a job; one that has ended stays as it is. */
  Job cancel(String id) {
    Job job = find(id);
    synchronized (this) {
      if (waiting.contains(job)) {
        drop(job);
      } else if (!job.state().ended()) {
        job.cancel();
      }
    }
    tell(job);
    return job;
  }

  /** A job by its id. */
  synchronized Job find(String id) {
    return all().stream()
        .filter(job -> job.id().equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                Refusal.missing(
                    "there is no job "
                        + Asked.brief(id)
                        + ", or it ended long ago; see /api/jobs"));
  }

  private List<Job> all() {
    List<Job> all = new ArrayList<>();
    if (running != null) {
      all.add(running);
    }
    all.addAll(waiting);
    all.addAll(ended);
    return all;
  }

  /** All jobs as the API shows them: the one that runs, those that wait, and those that ended. */
  synchronized List<ObjectNode> json() {
    return all().stream().map(this::json).toList();
  }

  /** Those that run or wait. */
  synchronized List<ObjectNode> pending() {
    return all().stream().filter(job -> !job.state().ended()).map(this::json).toList();
  }

  synchronized ObjectNode json(Job job) {
    int before = running == null ? 0 : 1;
    for (Job other : waiting) {
      if (other == job) {
        break;
      }
      before++;
    }
    return job.json(before);
  }

  /** Tells all who listen how a job is now. */
  void tell(Job job) {
    events.send("job", json(job));
  }

  private void work() {
    prepare.accept(engine);
    while (true) {
      Job job;
      synchronized (this) {
        while (waiting.isEmpty() && !closed) {
          try {
            wait();
          } catch (InterruptedException e) {
            break;
          }
        }
        if (closed) {
          break;
        }
        job = waiting.remove();
        running = job;
      }
      run(job);
      synchronized (this) {
        running = null;
        remember(job);
      }
    }
    engine.close();
  }

  private void run(Job job) {
    if (job.begin()) {
      tell(job);
      try {
        job.done(job.work().run(job, engine));
      } catch (CancellationException e) {
        job.endCanceled();
      } catch (Exception | OutOfMemoryError | StackOverflowError e) {
        if (!(e instanceof Refusal) && !Failure.isExplained(e)) {
          e.printStackTrace();
        }
        job.failed(Failure.describe(e));
      }
    }
    tell(job);
  }

  /** Cancels what runs and waits for it. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      waiting.forEach(Job::cancel);
      waiting.clear();
      if (running != null) {
        running.cancel();
      }
      notifyAll();
    }
    try {
      worker.join(10_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
