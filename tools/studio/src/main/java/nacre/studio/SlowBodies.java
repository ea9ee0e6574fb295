package nacre.studio;

import java.io.IOException;
import java.time.Duration;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * The least rate of the bodies of requests, so that nobody occupies the server by sending a few
 * bytes at a time. What sends nothing at all ends by the server's idle timeout.
 */
final class SlowBodies extends Handler.Wrapper {
  private static final long BYTES_PER_SECOND = 16_384;
  private static final double NANOS = 1e9;

  private final Duration patience;

  /**
   * The least rate.
   *
   * @param patience how long a body may be slower
   */
  SlowBodies(Duration patience) {
    this.patience = patience;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    return super.handle(new Measured(request), response, callback);
  }

  /** What reading a body fails with that came too slowly. */
  static final class SlowBodyException extends IOException {
    private static final long serialVersionUID = 1;

    SlowBodyException() {
      super("the body came with less than " + BYTES_PER_SECOND + " bytes a second: send it faster");
    }
  }

  /** A request whose body is measured as it is read. */
  private final class Measured extends Request.Wrapper {
    private final long began = System.nanoTime();
    private long bytes;
    private Content.Chunk failure;

    Measured(Request request) {
      super(request);
    }

    @Override
    public Content.Chunk read() {
      if (failure != null) {
        return failure;
      }
      Content.Chunk chunk = super.read();
      if (chunk == null || Content.Chunk.isFailure(chunk)) {
        return chunk;
      }
      bytes += chunk.remaining();
      double seconds = (System.nanoTime() - began - patience.toNanos()) / NANOS;
      if (!chunk.isLast() && bytes < seconds * BYTES_PER_SECOND) {
        chunk.release();
        failure = Content.Chunk.from(new SlowBodyException());
        super.fail(failure.getFailure()); // the rest is not waited for
        return failure;
      }
      return chunk;
    }
  }
}
