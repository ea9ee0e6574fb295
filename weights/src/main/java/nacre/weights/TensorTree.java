package nacre.weights;

import java.nio.file.Path;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import nacre.weights.PickleValue.Dictionary;
import nacre.weights.PickleValue.None;
import nacre.weights.PickleValue.Placeholder;
import nacre.weights.PickleValue.Sequence;
import nacre.weights.PickleValue.Strided;
import nacre.weights.PickleValue.Tuple;

/**
 * The tensors of a checkpoint of PyTorch: of the dictionaries that it holds one is taken, and the
 * tensors get the names of the keys that lead to them, with dots between.
 *
 * @param tensors by name
 * @param taken the key of the dictionary that they are from; empty for the whole file
 * @param leftOut the keys of further dictionaries with tensors
 */
record TensorTree(Map<String, Strided> tensors, Optional<String> taken, List<String> leftOut) {
  /** Keys under which checkpoints hold a model, in the order in which they are preferred. */
  private static final List<String> MODELS =
      List.of(
          "state_dict",
          "model_state_dict",
          "model_state",
          "model",
          "module",
          "net",
          "network",
          "params_ema",
          "params",
          "teacher",
          "student",
          "state_dict_ema",
          "ema_state_dict",
          "model_ema",
          "ema",
          "string_to_param");

  /** Where objects of these classes have what they hold, among their attributes. */
  private static final Map<String, String> HOLDING =
      Map.of(
          "torch.nn.modules.container.ParameterDict", "_parameters",
          "collections.UserDict", "data",
          "collections.IterableUserDict", "data",
          "collections.UserList", "data");

  /**
   * Seeks the tensors of an object.
   *
   * @param key of the dictionary to take, with dots between keys; empty for a model's
   * @throws WeightsException if there is no such dictionary, or no tensor in it, in one line
   */
  static TensorTree of(Path file, Object root, Optional<String> key) throws WeightsException {
    Walk walk = new Walk(file);
    return key.isPresent() ? chosen(walk, root, key.get()) : model(walk, root);
  }

  private static TensorTree chosen(Walk walk, Object root, String key) throws WeightsException {
    Object value = find(walk, root, key).orElse(None.NONE);
    Map<String, Strided> tensors = walk.tensors(value);
    if (tensors.isEmpty()) {
      List<String> there = walk.dictionaries(root, "");
      throw walk.wrong(
          String.format(
              Locale.ROOT,
              "has no tensors under %s%s",
              OneLine.clip(key),
              there.isEmpty() ? "" : "; it has some under " + OneLine.list(there)));
    }
    return new TensorTree(tensors, Optional.of(key), List.of());
  }

  private static TensorTree model(Walk walk, Object root) throws WeightsException {
    String path = "";
    List<String> leftOut = new ArrayList<>();
    int depth = 0;
    Object model = root;
    for (Optional<String> key = key(walk, model); key.isPresent(); key = key(walk, model)) {
      List<String> others = walk.dictionaries(model, path);
      others.remove(path + key.get());
      if (++depth > Walk.DEEPEST) {
        throw walk.tooDeep();
      }
      leftOut.addAll(others);
      model = walk.children(model).get(key.get());
      path += key.get() + ".";
    }
    Map<String, Strided> tensors = walk.tensors(model);
    if (tensors.isEmpty()) {
      throw walk.wrong("holds no tensors");
    }
    Optional<String> taken =
        path.isEmpty() ? Optional.empty() : Optional.of(path.substring(0, path.length() - 1));
    return new TensorTree(tensors, taken, leftOut);
  }

  /** The key under which an object holds a model, if it holds one by a name that is known. */
  private static Optional<String> key(Walk walk, Object object) throws WeightsException {
    Map<?, ?> children = walk.children(object);
    for (String key : MODELS) {
      Object child = children.get(key);
      if (child != null && !(child instanceof Strided) && walk.holdsTensor(child)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }

  /** What lies under a key, which may have dots itself. */
  private static Optional<Object> find(Walk walk, Object object, String key)
      throws WeightsException {
    Map<?, ?> children = walk.children(object);
    Optional<Object> whole = child(children, key);
    for (int dot = key.indexOf('.'); whole.isEmpty() && dot >= 0; dot = key.indexOf('.', dot + 1)) {
      String rest = key.substring(dot + 1);
      Optional<Object> inner = child(children, key.substring(0, dot));
      whole = inner.isPresent() ? find(walk, inner.get(), rest) : Optional.empty();
    }
    return whole;
  }

  private static Optional<Object> child(Map<?, ?> children, String key) {
    Object child = children.get(key);
    boolean number = child == null && key.matches("\\d{1,18}");
    return Optional.ofNullable(number ? children.get(Long.valueOf(key)) : child);
  }

  /** What an object holds, by key or by number; nothing if it is none that holds others. */
  private static Map<?, ?> children(Object object) {
    return switch (object) {
      case Dictionary dictionary -> dictionary.items;
      case Sequence list -> numbered(list.items);
      case Tuple tuple -> numbered(Arrays.asList(tuple.items));
      case Placeholder placeholder -> contents(placeholder);
      default -> Map.of();
    };
  }

  /** The attributes and items of an object. */
  private static Map<?, ?> contents(Placeholder object) {
    Object attributes = object.state;
    String holding = HOLDING.get(object.name);
    if (holding != null && attributes instanceof Dictionary all) {
      attributes = all.items.getOrDefault(holding, None.NONE);
    }
    Map<?, ?> held = attributes instanceof Placeholder ? Map.of() : children(attributes);
    if (object.items.isEmpty() || held.isEmpty()) {
      return object.items.isEmpty() ? held : object.items;
    }
    Map<Object, Object> both = new LinkedHashMap<>(held);
    both.putAll(object.items);
    return both;
  }

  /** A list as a map from numbers, without a copy. */
  private static Map<Long, Object> numbered(List<Object> items) {
    return new AbstractMap<>() {
      @Override
      public Object get(Object key) {
        return key instanceof Long i && i >= 0 && i < items.size() ? items.get(i.intValue()) : null;
      }

      @Override
      public Set<Entry<Long, Object>> entrySet() {
        return new AbstractSet<>() {
          @Override
          public int size() {
            return items.size();
          }

          @Override
          public Iterator<Entry<Long, Object>> iterator() {
            return IntStream.range(0, items.size())
                .<Entry<Long, Object>>mapToObj(
                    i -> new SimpleImmutableEntry<>((long) i, items.get(i)))
                .iterator();
          }
        };
      }
    };
  }

  /** A walk through objects, which may hold each other and themselves; it is bounded. */
  private static final class Walk {
    private static final int DEEPEST = 64;
    private static final int LONGEST_NAME = 4096;

    /** The most objects that are looked at, counted by the paths that lead to them. */
    private static final int MOST_OBJECTS = 10_000_000;

    private final Path file;
    private int objects;

    /** Objects from which no tensor is reached, by identity. */
    private final Set<Object> barren = Collections.newSetFromMap(new IdentityHashMap<>());

    /** Objects from which one is. */
    private final Set<Object> fruitful = Collections.newSetFromMap(new IdentityHashMap<>());

    Walk(Path file) {
      this.file = file;
    }

    /** The tensors of an object, by the keys that lead to them. */
    Map<String, Strided> tensors(Object object) throws WeightsException {
      Map<String, Strided> tensors = new LinkedHashMap<>();
      collect("", object, 0, tensors);
      return tensors;
    }

    /** Whether an object is a tensor or holds one. */
    boolean holdsTensor(Object object) throws WeightsException {
      return holdsTensor(object, 0);
    }

    /** The keys of an object's own dictionaries with tensors, after a prefix. */
    List<String> dictionaries(Object object, String prefix) throws WeightsException {
      List<String> keys = new ArrayList<>();
      for (Map.Entry<?, ?> child : children(object).entrySet()) {
        if (child.getKey() instanceof String key
            && !(child.getValue() instanceof Strided)
            && holdsTensor(child.getValue())) {
          keys.add(prefix + key);
        }
      }
      return keys;
    }

    private boolean holdsTensor(Object object, int depth) throws WeightsException {
      if (object instanceof Strided) {
        return true;
      }
      for (Object child : below(object, depth).values()) {
        if (holdsTensor(child, depth + 1)) {
          return true;
        }
      }
      return false;
    }

    private void collect(String name, Object object, int depth, Map<String, Strided> tensors)
        throws WeightsException {
      if (object instanceof Strided tensor) {
        if (tensors.putIfAbsent(name.isEmpty() ? "tensor" : name, tensor) != null) {
          throw wrong("holds two tensors named " + OneLine.clip(name));
        }
        return;
      }
      for (Map.Entry<?, ?> child : below(object, depth).entrySet()) {
        if (child.getKey() instanceof String || child.getKey() instanceof Long) {
          String key = child.getKey().toString();
          if (name.length() + key.length() >= LONGEST_NAME) {
            throw wrong("holds a name of more than " + LONGEST_NAME + " characters");
          }
          collect(depth == 0 ? key : name + "." + key, child.getValue(), depth + 1, tensors);
        }
      }
    }

    /**
     * What an object holds. Objects of configurations, which may hold each other in circles, have
     * nothing if no tensor is reached from them.
     */
    Map<?, ?> children(Object object) throws WeightsException {
      return object instanceof Placeholder && !reachesTensor(object)
          ? Map.of()
          : TensorTree.children(object);
    }

    private boolean reachesTensor(Object from) throws WeightsException {
      if (fruitful.contains(from)) {
        return true;
      }
      Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
      Deque<Object> left = new ArrayDeque<>(List.of(from));
      while (!left.isEmpty()) {
        Object one = left.pop();
        if (one instanceof Strided) {
          fruitful.add(from);
          return true;
        }
        if (!barren.contains(one) && seen.add(one)) {
          Map<?, ?> children = TensorTree.children(one);
          count(1 + children.size());
          children.values().stream()
              .filter(child -> child instanceof PickleValue && child != None.NONE)
              .forEach(left::push);
        }
      }
      barren.addAll(seen);
      return false;
    }

    private void count(int more) throws WeightsException {
      objects += more;
      if (objects > MOST_OBJECTS) {
        throw wrong("holds more than " + MOST_OBJECTS + " objects, too many to look through");
      }
    }

    private Map<?, ?> below(Object object, int depth) throws WeightsException {
      Map<?, ?> children = children(object);
      count(1 + children.size());
      if (depth == DEEPEST && !children.isEmpty()) {
        throw tooDeep();
      }
      return children;
    }

    WeightsException tooDeep() {
      return wrong("holds dictionaries within each other, more than " + DEEPEST + " deep");
    }

    WeightsException wrong(String message) {
      return new WeightsException(file, message);
    }
  }
}
