package example;

import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.scene.Scene;

/** An endless stream of one's own: disks at heights that only the seed and the number determine. */
record Sparks(long seed) implements ClipSource {
  @Override
  public int size() {
    return ENDLESS;
  }

  @Override
  public Scene scene(int index) {
    return new Disks("a stream", 1).scene((int) Math.floorMod(31 * seed + index, 3L));
  }

  @Override
  public String describe() {
    return "sparks without end";
  }

  /** Takes no location. */
  public static final class Provider implements ClipSourceProvider {
    @Override
    public String name() {
      return "sparks";
    }

    @Override
    public ClipSource open(String location, Request request) {
      return new Sparks(request.seed());
    }
  }
}
