package nacre.studio;

import java.time.Duration;

/**
 * What the server takes from clients before it refuses more.
 *
 * @param connections open at a time
 * @param perAddress of these, from one address
 * @param bodyPatience how long the body of a request may be slower than its least rate
 * @param photoBytes of photos on disk; the one that was longest not used goes first
 * @param sceneBytes of saved scenes on disk, none of which is ever removed by itself
 */
record Limits(
    int connections, int perAddress, Duration bodyPatience, long photoBytes, long sceneBytes) {
  /** Half of all connections are left to others, whoever opens the rest. */
  static final Limits USUAL = new Limits(512, 256, Duration.ofSeconds(5), 512L << 20, 8L << 30);
}
