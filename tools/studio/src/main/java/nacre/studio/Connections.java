package nacre.studio;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * The open connections, of which there is a greatest number in all and from one address. Where one
 * more is opened, one of the address with most of them is closed, the oldest on which no request is
 * being answered: those that say nothing, or send their request a byte at a time, keep nobody out.
 */
final class Connections extends Handler.Wrapper implements Connection.Listener {
  private final int mostInAll;
  private final int mostOfAddress;

  /** The open ones, oldest first. */
  private final Map<Connection, Open> open = new LinkedHashMap<>();

  private static final class Open {
    final Object address;
    int requests;

    Open(Object address) {
      this.address = address;
    }

    Object address() {
      return address;
    }
  }

  Connections(int mostInAll, int mostOfAddress) {
    this.mostInAll = mostInAll;
    this.mostOfAddress = mostOfAddress;
  }

  private static Object address(Connection connection) {
    SocketAddress remote = connection.getEndPoint().getRemoteSocketAddress();
    return remote instanceof InetSocketAddress internet ? internet.getAddress() : remote;
  }

  @Override
  public void onOpened(Connection connection) {
    Connection gone = null;
    synchronized (this) {
      open.put(connection, new Open(address(connection)));
      Map<Object, Long> counts =
          open.values().stream()
              .collect(Collectors.groupingBy(Open::address, Collectors.counting()));
      var most = Collections.max(counts.entrySet(), Map.Entry.comparingByValue());
      if (most.getValue() > mostOfAddress || open.size() > mostInAll) {
        gone = oldest(most.getKey(), connection);
        open.remove(gone);
      }
    }
    if (gone != null) {
      gone.getEndPoint().close();
    }
  }

  /** The oldest of an address on which nothing is being answered; the new one if there is none. */
  private Connection oldest(Object address, Connection newest) {
    return open.entrySet().stream()
        .filter(e -> e.getValue().requests == 0 && e.getValue().address.equals(address))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse(newest);
  }

  @Override
  public synchronized void onClosed(Connection connection) {
    open.remove(connection);
  }

  /** How many are open. */
  synchronized int count() {
    return open.size();
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    boolean body =
        request.getHeaders().contains(HttpHeader.CONTENT_LENGTH)
            || request.getHeaders().contains(HttpHeader.TRANSFER_ENCODING);
    Arriving arriving = new Arriving(request);
    if (!body) {
      arriving.arrived();
    }
    Request.addCompletionListener(request, _ -> arriving.ended());
    return super.handle(arriving, response, callback);
  }

  private synchronized void count(Connection connection, int requests) {
    Open one = open.get(connection);
    if (one != null) {
      one.requests += requests;
    }
  }

  /** A request that may still be on its way; it is being answered once it has come whole. */
  private final class Arriving extends Request.Wrapper {
    private final Connection connection;
    private final AtomicBoolean whole = new AtomicBoolean();

    Arriving(Request request) {
      super(request);
      this.connection = request.getConnectionMetaData().getConnection();
    }

    @Override
    public Content.Chunk read() {
      Content.Chunk chunk = super.read();
      if (chunk != null && chunk.isLast() && !Content.Chunk.isFailure(chunk)) {
        arrived();
      }
      return chunk;
    }

    void arrived() {
      if (whole.compareAndSet(false, true)) {
        count(connection, 1);
      }
    }

    void ended() {
      if (!whole.compareAndSet(false, true)) {
        count(connection, -1);
      }
    }
  }
}
