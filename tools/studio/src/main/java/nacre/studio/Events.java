package nacre.studio;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.sse.SseClient;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Those who listen to {@code /api/events}, and the messages on their way to them. */
final class Events {
  private static final int MOST_LISTENERS = 32;
  private static final int MOST_UNSENT = 500;
  private static final int SECONDS_BETWEEN_SIGNS = 15;

  private record Message(String name, String json) {}

  /** One listener: messages wait in a queue, so that a slow one delays nobody. */
  private final class Listener {
    final SseClient client;
    final BlockingQueue<Message> unsent = new LinkedBlockingQueue<>(MOST_UNSENT);
    volatile boolean lost;

    Listener(SseClient client) {
      this.client = client;
    }

    void offer(Message message) {
      if (!unsent.offer(message)) {
        lost = true; // it opens another stream and learns all anew
      }
    }

    void deliver() {
      try {
        while (!lost && !client.terminated()) {
          Message message = unsent.poll(SECONDS_BETWEEN_SIGNS, TimeUnit.SECONDS);
          if (message == null) {
            client.sendComment("here");
          } else {
            client.sendEvent(message.name, message.json);
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        listeners.remove(this);
        client.close();
      }
    }
  }

  private final List<Listener> listeners = new CopyOnWriteArrayList<>();

  /**
   * Adds a listener.
   *
   * @param first what it is told at once, under the name {@code job}
   */
  void join(SseClient client, Supplier<List<ObjectNode>> first) {
    if (listeners.size() >= MOST_LISTENERS) {
      client.sendEvent("refused", "{\"error\":\"too many pages are open: close some\"}");
      client.close();
      return;
    }
    Listener listener = new Listener(client);
    client.keepAlive();
    listeners.add(listener);
    first.get().forEach(json -> listener.offer(new Message("job", json.toString())));
    Thread.ofVirtual().name("studio events").start(listener::deliver);
  }

  /** Sends a message to all who listen. */
  void send(String name, ObjectNode json) {
    Message message = new Message(name, json.toString());
    listeners.forEach(listener -> listener.offer(message));
  }

  int listeners() {
    return listeners.size();
  }

  void close() {
    listeners.forEach(
        listener -> {
          listener.lost = true;
          listener.unsent.offer(new Message("end", "{}"));
        });
  }
}
