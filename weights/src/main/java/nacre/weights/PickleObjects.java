package nacre.weights;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.tensor.Shape;
import nacre.weights.PickleNames.Role;
import nacre.weights.PickleValue.Dictionary;
import nacre.weights.PickleValue.Name;
import nacre.weights.PickleValue.None;
import nacre.weights.PickleValue.Placeholder;
import nacre.weights.PickleValue.Sequence;
import nacre.weights.PickleValue.Storage;
import nacre.weights.PickleValue.Strided;
import nacre.weights.PickleValue.Tuple;

/**
 * What the calls in a pickle make: tensors, storages, dictionaries and placeholders. All of it is
 * written down here for the names of {@link PickleNames}; there is no other call.
 */
final class PickleObjects {
  /** The most axes of a tensor in PyTorch. */
  private static final int MOST_AXES = 64;

  private final PickleInput input;
  private final Map<String, Storage> storages = new HashMap<>();

  PickleObjects(PickleInput input) {
    this.input = input;
  }

  /** The storages that the pickle speaks of, by their keys. */
  Map<String, Storage> storages() {
    return storages;
  }

  /** A new empty dictionary. */
  Dictionary dictionary(boolean subclass) throws WeightsException {
    input.allocate(200);
    return new Dictionary(subclass);
  }

  /** A new empty list. */
  Sequence list() throws WeightsException {
    input.allocate(80);
    return new Sequence();
  }

  /** Sets an item as {@code object[key] = value} does. */
  void setItem(Object object, Object key, Object value) throws WeightsException {
    // Other keys give no names, and could have hashes in common that make a dictionary slow.
    boolean names =
        key instanceof String || key instanceof Long n && n >= 0 && n <= Integer.MAX_VALUE;
    Object safe = names ? key : new Placeholder("a key");
    input.allocate(96);
    switch (object) {
      case Dictionary dictionary -> dictionary.items.put(safe, value);
      case Placeholder placeholder -> placeholder.put(safe, value);
      default -> throw input.wrong("an item is set in " + describe(object));
    }
  }

  /** Appends as {@code object.append(value)} does. */
  void append(Object object, Object value) throws WeightsException {
    switch (object) {
      case Sequence list -> {
        input.allocate(8);
        list.items.add(value);
      }
      case Placeholder placeholder -> {
        input.allocate(96);
        placeholder.put((long) placeholder.items.size(), value);
      }
      default -> throw input.wrong("an item is appended to " + describe(object));
    }
  }

  /** Gives an object a state, as its {@code __setstate__} would. */
  void build(Object object, Object state) throws WeightsException {
    if (object instanceof Placeholder placeholder) {
      placeholder.state = state;
      return;
    }
    boolean attributes = state instanceof Dictionary || state instanceof Tuple;
    if (!(object instanceof Dictionary dictionary) || !dictionary.subclass || !attributes) {
      throw input.wrong("a state is given to " + describe(object));
    }
    // The attributes of a dictionary, such as a state_dict's _metadata, are of no use.
  }

  /** The result of {@code callee(*arguments)}. */
  Object call(Object callee, Object arguments) throws WeightsException {
    if (!(callee instanceof Name name) || !(arguments instanceof Tuple tuple)) {
      throw input.wrong(
          callee instanceof Name
              ? "a call's arguments are " + describe(arguments)
              : "it calls " + describe(callee) + ", which is no function");
    }
    Object[] given = tuple.items;
    return switch (name.role()) {
      case DICTIONARY -> dictionary(name, given);
      case SIZE -> new Tuple(items(name, argument(name, given, 0)));
      case TENSOR_V1 -> tensor(name, given, 4, 4);
      case TENSOR_V2 -> tensor(name, given, 6, 7);
      case TENSOR_V3 -> tensor(name, given, 7, 8);
      case PARAMETER -> {
        if (argument(name, given, 0) instanceof Strided data) {
          yield data;
        }
        throw wrong(name, "is called with " + describe(given[0]));
      }
      case FROM_TYPE -> fromType(name, given);
      case PLACEHOLDER -> placeholder(name);
      case STORAGE, DTYPE, TENSOR_CLASS -> throw wrong(name, "is called");
    };
  }

  /** A new object of a class, as {@code class.__new__} or its constructor makes it. */
  Object create(Object type, Object arguments) throws WeightsException {
    if (type instanceof Name name) {
      return switch (name.role()) {
        case PLACEHOLDER -> placeholder(name);
        case DICTIONARY, SIZE -> call(type, arguments);
        case PARAMETER -> {
          if (name.path().startsWith("torch.nn.")) {
            yield call(type, arguments);
          }
          throw wrong(name, "is no class");
        }
        default -> throw wrong(name, "is made anew");
      };
    }
    throw input.wrong("an object is made of " + describe(type) + ", which is no class");
  }

  /** A placeholder of an object. */
  Placeholder placeholder(Name name) throws WeightsException {
    input.allocate(32);
    return new Placeholder(name.path());
  }

  private Object fromType(Name name, Object[] given) throws WeightsException {
    boolean plain =
        given.length == 4
            && given[0] instanceof Name maker
            && isTensorMaker(maker.role())
            && given[1] instanceof Name type
            && (type.role() == Role.TENSOR_CLASS || type.role() == Role.PARAMETER);
    if (!plain) {
      throw wrong(name, "is called with something other than a tensor's parts");
    }
    return call(given[0], given[2]);
  }

  private static boolean isTensorMaker(Role role) {
    return switch (role) {
      case TENSOR_V1, TENSOR_V2, TENSOR_V3, PARAMETER -> true;
      default -> false;
    };
  }

  private Dictionary dictionary(Name name, Object[] given) throws WeightsException {
    Dictionary made = dictionary(true);
    if (name.path().equals("collections.defaultdict")) {
      return made; // the argument makes missing values
    }
    if (given.length == 0) {
      return made;
    }
    if (given[0] instanceof Dictionary other) {
      input.allocate(64L * other.items.size());
      made.items.putAll(other.items);
      return made;
    }
    for (Object pair : items(name, given[0])) {
      Object[] two = items(name, pair);
      if (two.length != 2) {
        throw wrong(name, "is called with an item of " + two.length + " values");
      }
      setItem(made, two[0], two[1]);
    }
    return made;
  }

  /** The storage that a persistent id names. */
  Storage storage(Object id) throws WeightsException {
    if (!(id instanceof Tuple tuple) || tuple.items.length < 5 || tuple.items.length > 6) {
      throw input.wrong("it refers to " + describe(id) + " outside of it, which is no storage");
    }
    Object[] parts = tuple.items;
    if ("module".equals(parts[0])) {
      throw input.wrong("it holds a module with its source: save the module's state_dict()");
    }
    if (!"storage".equals(parts[0])
        || !(parts[1] instanceof Name type)
        || type.role() != Role.STORAGE
        || !(parts[2] instanceof String || parts[2] instanceof Long)) {
      throw input.wrong("it refers to something outside of it that is no storage");
    }
    String key = parts[2].toString();
    int width = type.type() == null ? 1 : type.type().bytes();
    long bytes = bytes(key, parts[4], width);
    Storage whole = new Storage(key, type.type(), bytes, 0, bytes);
    Storage before = storages.putIfAbsent(key, whole);
    if (before == null) {
      input.allocate(200);
    } else if (!before.equals(whole)) {
      throw input.wrong("storage " + OneLine.clip(key) + " has two sizes or types");
    }
    return parts.length == 6 && parts[5] != None.NONE ? view(whole, parts[5], width) : whole;
  }

  /** A part of a storage, as files of before 2018 have it. */
  private Storage view(Storage whole, Object view, int width) throws WeightsException {
    if (!(view instanceof Tuple tuple) || tuple.items.length != 3) {
      throw input.wrong("storage " + OneLine.clip(whole.key()) + " has a damaged view");
    }
    long from = bytes(whole.key(), tuple.items[1], width);
    long length = bytes(whole.key(), tuple.items[2], width);
    if (length > whole.bytes() - from) {
      throw input.wrong("a view of storage " + OneLine.clip(whole.key()) + " reaches beyond it");
    }
    return new Storage(whole.key(), whole.type(), whole.bytes(), from, length);
  }

  private long bytes(String key, Object elements, int width) throws WeightsException {
    if (elements instanceof Long count && count >= 0 && count <= Long.MAX_VALUE / width) {
      return count * width;
    }
    throw input.wrong(
        "storage " + OneLine.clip(key) + " has " + describe(elements) + " for its size");
  }

  private Strided tensor(Name name, Object[] given, int least, int most) throws WeightsException {
    if (given.length < least || given.length > most || !(given[0] instanceof Storage storage)) {
      throw wrong(name, "is called with something other than a tensor's parts");
    }
    int last = name.role() == Role.TENSOR_V3 ? 7 : 6;
    if (given.length > last && given[last] instanceof Dictionary metadata) {
      for (String bit : List.of("neg", "conj")) {
        if (Boolean.TRUE.equals(metadata.items.get(bit))) {
          throw wrong(
              name,
              "is called for a view whose "
                  + bit
                  + " bit is set: save tensor.resolve_"
                  + bit
                  + "()");
        }
      }
    }
    StoredType type = storage.type();
    if (name.role() == Role.TENSOR_V3) {
      if (!(given[6] instanceof Name dtype) || dtype.role() != Role.DTYPE) {
        throw wrong(name, "is called without a dtype");
      }
      if (type != null && type != dtype.type()) {
        throw wrong(name, "reads a storage of " + type + " as " + dtype.type());
      }
      type = dtype.type();
    }
    if (type == null) {
      throw wrong(name, "is called without an element type");
    }
    long offset = count(name, given[1], "an offset");
    Object[] extents = items(name, given[2]);
    Object[] steps = items(name, given[3]);
    if (extents.length != steps.length || extents.length > MOST_AXES) {
      throw wrong(name, "has " + extents.length + " extents and " + steps.length + " strides");
    }
    input.allocate(100 + 12L * extents.length);
    int[] sizes = new int[extents.length];
    long[] strides = new long[extents.length];
    for (int i = 0; i < sizes.length; i++) {
      long size = count(name, extents[i], "an extent");
      if (size > Integer.MAX_VALUE) {
        throw wrong(name, "has an extent of " + size + ", at most 2^31 - 1 are read");
      }
      sizes[i] = (int) size;
      strides[i] = count(name, steps[i], "a stride");
    }
    Strided tensor = new Strided(storage, type, offset, sizes, strides);
    requireInside(name, tensor);
    return tensor;
  }

  /** Requires every element to lie in the storage. */
  private void requireInside(Name name, Strided tensor) throws WeightsException {
    Storage storage = tensor.storage();
    String what = describe(tensor);
    long elements;
    try {
      elements = Shape.of(tensor.sizes()).elements();
    } catch (IllegalArgumentException e) {
      throw wrong(name, "has a shape that is too large: " + what);
    }
    long held = storage.length() / tensor.type().bytes();
    if (elements == 0) {
      return;
    }
    long last = tensor.offset();
    try {
      for (int i = 0; i < tensor.sizes().length; i++) {
        long reach = Math.multiplyExact(tensor.sizes()[i] - 1L, tensor.strides()[i]);
        last = Math.addExact(last, reach);
      }
    } catch (ArithmeticException _) {
      last = Long.MAX_VALUE;
    }
    if (last >= held) {
      throw wrong(
          name,
          String.format(
              Locale.ROOT,
              "reaches outside of storage %s, which has %d elements: %s",
              OneLine.clip(storage.key()),
              held,
              what));
    }
  }

  private long count(Name name, Object value, String what) throws WeightsException {
    if (value instanceof Long number && number >= 0) {
      return number;
    }
    throw wrong(name, "has " + describe(value) + " for " + what);
  }

  private Object argument(Name name, Object[] given, int which) throws WeightsException {
    if (which >= given.length) {
      throw wrong(name, "is called with " + given.length + " arguments");
    }
    return given[which];
  }

  private Object[] items(Name name, Object value) throws WeightsException {
    if (value instanceof Tuple tuple) {
      return tuple.items;
    }
    if (value instanceof Sequence list) {
      input.allocate(16 + 8L * list.items.size());
      return list.items.toArray();
    }
    throw wrong(name, "is called with " + describe(value) + " where a tuple is wanted");
  }

  private WeightsException wrong(Name name, String message) {
    return input.wrong(name.path() + " " + message);
  }

  /** An object in few words, for messages. */
  static String describe(Object value) {
    return switch (value) {
      case None _ -> "None";
      case Tuple tuple -> "a tuple of " + tuple.items.length;
      case Sequence list -> "a list of " + list.items.size();
      case Dictionary dictionary -> "a dictionary of " + dictionary.items.size();
      case Name name -> name.path();
      case Placeholder placeholder -> "an object of " + placeholder.name;
      case Storage storage -> "storage " + OneLine.clip(storage.key());
      case Strided tensor ->
          String.format(
              Locale.ROOT,
              "a tensor of shape %s, strides %s, offset %d",
              Arrays.toString(tensor.sizes()),
              Arrays.toString(tensor.strides()),
              tensor.offset());
      default -> OneLine.list(List.of(value.toString()));
    };
  }
}
