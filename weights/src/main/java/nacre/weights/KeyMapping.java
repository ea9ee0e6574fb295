package nacre.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.tensor.Shape;

/**
 * A mapping between the tensor names of two code bases, which may also split tensors differently: a
 * table of pairs, read in either direction. A pair applies to a name and to all names below it,
 * {@code input_blocks.0.0} ↔ {@code conv_in} to {@code conv_in.weight} too; where several apply,
 * the longest wins.
 */
public final class KeyMapping {
  /**
   * The location of a tensor in the other code base.
   *
   * @param name of the tensor there
   * @param part which part of that tensor it is, from 0
   * @param parts how many equal parts that tensor has, one after the other along its first axis
   * @param pointwise whether it is a 1×1 convolution's weight there, {@code [O, I, 1, 1]}, and a
   *     linear layer's here
   */
  public record Place(String name, int part, int parts, boolean pointwise) {
    /** The shape there of the whole tensor of which one part has {@code shape} here. */
    public Shape whole(Shape shape) {
      int[] dims = shape.toArray();
      if (pointwise && dims.length == 2) {
        dims = new int[] {dims[0], dims[1], 1, 1};
      }
      if (parts > 1) {
        dims[0] = Math.multiplyExact(dims[0], parts);
      }
      return Shape.of(dims);
    }

    private Place below(String end) {
      return new Place(name + end, part, parts, pointwise);
    }
  }

  private final Map<String, List<String>> ours;
  private final Map<String, Place> theirs;

  private KeyMapping(Builder pairs) {
    this.ours = Map.copyOf(pairs.ours);
    this.theirs = Map.copyOf(pairs.theirs);
  }

  /** An empty table. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder of mappings. A name in two pairs is an {@link IllegalArgumentException}. */
  public static final class Builder {
    private final Map<String, List<String>> ours = new LinkedHashMap<>();
    private final Map<String, Place> theirs = new LinkedHashMap<>();

    private Builder() {}

    /** Maps {@code theirs} there to {@code ours} here. */
    public Builder pair(String theirs, String ours) {
      return put(theirs, List.of(ours), false);
    }

    /** As {@link #pair}, for a 1×1 convolution there that is a linear layer here. */
    public Builder pointwise(String theirs, String ours) {
      return put(theirs, List.of(ours), true);
    }

    /**
     * Maps one tensor there to several here, of equal shapes, in this order along its first axis.
     */
    public Builder stacked(String theirs, List<String> ours) {
      return put(theirs, ours, false);
    }

    /** Adds all pairs of {@code inner}, below {@code theirs} there and below {@code ours} here. */
    public Builder below(String theirs, String ours, KeyMapping inner) {
      inner.ours.forEach(
          (name, parts) ->
              put(
                  theirs + "." + name,
                  parts.stream().map(part -> ours + "." + part).toList(),
                  inner.theirs.get(parts.getFirst()).pointwise));
      return this;
    }

    private Builder put(String name, List<String> parts, boolean pointwise) {
      boolean taken = ours.putIfAbsent(name, parts) != null;
      for (int i = 0; i < parts.size(); i++) {
        Place place = new Place(name, i, parts.size(), pointwise);
        taken |= theirs.putIfAbsent(parts.get(i), place) != null;
      }
      if (taken) {
        throw new IllegalArgumentException(
            "dialect: " + name + " ↔ " + parts + " is not one to one");
      }
      return this;
    }

    /** The table. */
    public KeyMapping build() {
      return new KeyMapping(this);
    }
  }

  /** The names here of a tensor there, one for each part; none where no pair applies. */
  public List<String> ours(String name) {
    List<String> names = new ArrayList<>();
    longest(ours, name)
        .ifPresent(at -> ours.get(at).forEach(o -> names.add(o + name.substring(at.length()))));
    return names;
  }

  /** The location there of a tensor that has a name here; empty where no pair applies. */
  public Optional<Place> theirs(String name) {
    return longest(theirs, name).map(at -> theirs.get(at).below(name.substring(at.length())));
  }

  /** The longest key that is {@code name}, or a prefix of it that ends before a dot. */
  private static Optional<String> longest(Map<String, ?> pairs, String name) {
    for (int end = name.length(); end > 0; end = name.lastIndexOf('.', end - 1)) {
      String prefix = name.substring(0, end);
      if (pairs.containsKey(prefix)) {
        return Optional.of(prefix);
      }
    }
    return Optional.empty();
  }
}
