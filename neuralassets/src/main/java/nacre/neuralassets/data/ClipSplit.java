package nacre.neuralassets.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import nacre.weights.Sha256;

/**
 * A data set divided into the clips that a run trains on and those held out. Each clip is on one
 * side, by a hash of its {@linkplain ClipSource#id identity}, so that clips which are added later
 * move no other. An endless source is not divided.
 *
 * @param training the clips to train on, at least one
 * @param heldOut the others
 */
public record ClipSplit(ClipSource training, SomeClips heldOut) {
  /** The most clips that are named. */
  private static final int NAMED = 8;

  /**
   * Divides a data set as {@link DataConfig#validation} says.
   *
   * @param before identities of the clips that a run which resumes has held out; none for a new run
   * @throws IOException in one line, if the data set has no clips, or none to train on are left
   */
  public static ClipSplit of(ClipSource source, DataConfig config, List<String> before)
      throws IOException {
    if (source.size() == ClipSource.ENDLESS) {
      return new ClipSplit(source, new SomeClips(source, List.of()));
    }
    if (source.size() < 1) {
      throw new IOException(source.describe() + ": holds no clips");
    }
    Set<Integer> held = held(source, config.validation(), new HashSet<>(before));
    List<Integer> all = IntStream.range(0, source.size()).boxed().toList();
    List<Integer> rest = all.stream().filter(i -> !held.contains(i)).toList();
    if (rest.isEmpty()) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: data.validation is %s, which leaves none of the %d clips to train on",
              source.describe(),
              config.validation(),
              source.size()));
    }
    return new ClipSplit(
        new SomeClips(source, rest),
        new SomeClips(source, all.stream().filter(held::contains).toList()));
  }

  /** The held-out clips in one line, the first of them by name. */
  public String describe(DataConfig config) {
    double validation = config.validation();
    String wanted = validation < 1 ? Double.toString(validation) : Long.toString((long) validation);
    List<String> ids = heldOut.ids();
    if (ids.isEmpty()) {
      return validation > 0
          ? String.format(
              Locale.ROOT,
              "none held out: no clip falls into the share of %s; data.validation may be a number",
              wanted)
          : "none held out; data.validation of the preset says how many are";
    }
    String names = String.join(", ", ids.subList(0, Math.min(NAMED, ids.size())));
    String more =
        ids.size() > NAMED ? String.format(Locale.ROOT, " and %,d more", ids.size() - NAMED) : "";
    return String.format(
        Locale.ROOT, "%,d held out (data.validation %s): %s%s", ids.size(), wanted, names, more);
  }

  private static Set<Integer> held(ClipSource source, double validation, Set<String> before) {
    List<Integer> order = new ArrayList<>();
    double[] places = new double[source.size()];
    for (int i = 0; i < places.length; i++) {
      places[i] = place(source.id(i));
      order.add(i);
    }
    Set<Integer> held = new HashSet<>(order);
    if (validation < 1) {
      held.removeIf(i -> places[i] >= validation && !before.contains(source.id(i)));
    } else if (!before.isEmpty()) {
      held.removeIf(i -> !before.contains(source.id(i)));
    } else {
      order.sort(Comparator.comparingDouble(i -> places[i]));
      held.retainAll(order.subList(0, (int) Math.min(validation, places.length)));
    }
    return held;
  }

  /** The place of a clip in [0, 1), from the first 53 bits of the SHA-256 of its identity. */
  private static double place(String id) {
    byte[] text = id.getBytes(StandardCharsets.UTF_8);
    byte[] hash = new Sha256().add(ByteBuffer.wrap(text)).bytes();
    long bits = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      bits = bits << 8 | hash[i] & 0xff;
    }
    return (bits >>> 11) * 0x1p-53;
  }
}
