package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.concurrent.CancellationException;

/** One order of a picture or an animation, from the queue to its end. */
final class Job {
  /** The life of a job. */
  enum State {
    QUEUED,
    RUNNING,
    DONE,
    FAILED,
    CANCELED;

    boolean ended() {
      return compareTo(RUNNING) > 0;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What a job does, on the worker's thread. */
  @FunctionalInterface
  interface Work {
    /**
     * Draws.
     *
     * @return the id of the result that was kept; null for none
     */
    String run(Job job, Engine engine) throws Exception;
  }

  private static final long BETWEEN_PICTURES = 150_000_000;

  private final String id;
  private final String kind;
  private final String client;
  private final ObjectNode request;
  private final Work work;
  private State state = State.QUEUED;
  private int step;
  private int steps;
  private byte[] picture;
  private String result;
  private String resultPicture;
  private String error;
  private long began;
  private long ended;
  private boolean canceled;
  private long pictured;
  private long wanted;
  private long took;

  /**
   * A job that waits.
   *
   * @param client who asks; a waiting preview gives way to another of the same client
   */
  Job(String id, String kind, String client, ObjectNode request, Work work) {
    this.id = id;
    this.kind = kind;
    this.client = client;
    this.request = request;
    this.work = work;
  }

  String id() {
    return id;
  }

  String kind() {
    return kind;
  }

  String client() {
    return client;
  }

  Work work() {
    return work;
  }

  synchronized State state() {
    return state;
  }

  /** Begins, unless it was canceled meanwhile. */
  synchronized boolean begin() {
    if (canceled) {
      end(State.CANCELED);
      return false;
    }
    state = State.RUNNING;
    began = System.nanoTime();
    return true;
  }

  /** One that waits ends at once, one that runs at its next step. */
  synchronized void cancel() {
    canceled = true;
    if (state == State.QUEUED) {
      end(State.CANCELED);
    }
  }

  /**
   * Notes a step.
   *
   * @param png the picture as it is now; null for the last one
   * @throws CancellationException if the job was canceled
   */
  synchronized void step(int done, int of, byte[] png) {
    requireWanted();
    step = done;
    steps = of;
    if (png != null) {
      picture = png;
      pictured = System.nanoTime();
      took = pictured - wanted;
    }
  }

  /** Whether it is time for another picture: making them takes a fifth of the time at most. */
  synchronized boolean wantsPicture() {
    wanted = System.nanoTime();
    return picture == null || wanted - pictured > Math.max(BETWEEN_PICTURES, 4 * took);
  }

  /** Throws if the job was canceled. */
  synchronized void requireWanted() {
    if (canceled) {
      throw new CancellationException("canceled");
    }
  }

  /** Notes the finished picture of a job whose result is not kept. */
  synchronized void finished(byte[] png) {
    picture = png;
  }

  /** Notes where the picture of the result is; the one in memory is let go. */
  synchronized void kept(String url) {
    resultPicture = url;
  }

  synchronized void done(String resultId) {
    result = resultId;
    step = steps;
    end(State.DONE);
    if (resultPicture != null) {
      picture = null;
    }
  }

  synchronized void failed(String reason) {
    error = reason;
    end(State.FAILED);
  }

  synchronized void endCanceled() {
    end(State.CANCELED);
  }

  private void end(State how) {
    state = how;
    ended = System.nanoTime();
    notifyAll();
  }

  /** Waits for the end. */
  synchronized void await() throws InterruptedException {
    while (!state.ended()) {
      wait();
    }
  }

  synchronized byte[] picture() {
    return picture;
  }

  synchronized String error() {
    return error;
  }

  synchronized String result() {
    return result;
  }

  /**
   * The job as the API shows it.
   *
   * @param position how many jobs come before it
   */
  synchronized ObjectNode json(int position) {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("id", id).put("kind", kind).put("state", state.toString());
    json.put("step", step).put("steps", steps);
    if (state == State.QUEUED) {
      json.put("position", position);
    }
    String url = picture == null ? resultPicture : "/api/jobs/" + id + "/picture?step=" + step;
    json.put("picture", url);
    json.put("result", result);
    if (began != 0) {
      json.put("seconds", ((state.ended() ? ended : System.nanoTime()) - began) / 1e9);
    }
    json.put("error", error);
    json.set("request", request);
    return json;
  }
}
