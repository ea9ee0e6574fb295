package nacre.bindings;

/** Versions as numbers with dots between them. */
final class Versions {
  private Versions() {}

  /** As {@link Integer#compare}, number by number; numbers that are not there are zero. */
  static int compare(String a, String b) {
    String[] as = a.split("\\.");
    String[] bs = b.split("\\.");
    for (int i = 0; i < Math.max(as.length, bs.length); i++) {
      int x = i < as.length ? Integer.parseInt(as[i]) : 0;
      int y = i < bs.length ? Integer.parseInt(bs[i]) : 0;
      if (x != y) {
        return Integer.compare(x, y);
      }
    }
    return 0;
  }
}
