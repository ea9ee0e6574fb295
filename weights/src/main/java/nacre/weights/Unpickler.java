package nacre.weights;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.weights.PickleValue.Dictionary;
import nacre.weights.PickleValue.Name;
import nacre.weights.PickleValue.None;
import nacre.weights.PickleValue.Placeholder;
import nacre.weights.PickleValue.Sequence;
import nacre.weights.PickleValue.Storage;
import nacre.weights.PickleValue.Tuple;

/**
 * A reader of pickles of the protocols 0 to 5 that runs nothing: a stack machine whose calls are
 * those of {@link PickleObjects}, for the names of {@link PickleNames}. Everything else is refused
 * by its name. There is no recursion, and what the objects take is bounded by {@link PickleInput}.
 *
 * @see <a href="https://github.com/python/cpython/blob/main/Lib/pickletools.py">the opcodes</a>
 */
final class Unpickler {
  private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MOST = BigInteger.valueOf(Long.MAX_VALUE);

  /** What stands for strings of bytes, whose content no tensor needs. */
  private static final String BYTES = "bytes";

  private final PickleInput input;
  private final PickleObjects objects;
  private final List<Object> stack = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();

  /** The memo by number, as far as it is filled in order, as all that write pickles do. */
  private final List<Object> memo = new ArrayList<>();

  /** The rest of the memo. */
  private final Map<Long, Object> scattered = new HashMap<>();

  Unpickler(PickleInput input) {
    this.input = input;
    this.objects = new PickleObjects(input);
  }

  /** The storages that the pickle speaks of, by their keys. */
  Map<String, Storage> storages() {
    return objects.storages();
  }

  /**
   * Reads to the end of the pickle.
   *
   * @return the object
   * @throws WeightsException in one line, if it is damaged, too large, or names something that is
   *     not read
   */
  Object load() throws WeightsException {
    while (true) {
      int opcode = input.u1();
      if (opcode == '.') {
        Object result = pop();
        if (!stack.isEmpty() || !marks.isEmpty()) {
          throw input.wrong("it ends with more than one object");
        }
        return result;
      }
      step(opcode);
    }
  }

  private void step(int opcode) throws WeightsException {
    switch (opcode) {
      case 0x80 -> protocol(input.u1());
      case 0x95 -> frame(input.u8());
      case '(' -> mark();
      case '0' -> discard();
      case '1' -> popMark();
      case '2' -> push(top());
      case 'N' -> push(None.NONE);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'K' -> push((long) input.u1());
      case 'M' -> push((long) input.u2());
      case 'J' -> push((long) input.i4());
      case 'G' -> push(input.f8());
      case 0x8a -> push(whole(input.number(input.u1())));
      case 0x8b -> push(whole(input.number(input.u4())));
      case 'I', 'L', 'F' -> push(parse(opcode, input.line()));
      case 'X' -> push(input.utf8(input.u4()));
      case 0x8c -> push(input.utf8(input.u1()));
      case 0x8d -> push(input.utf8(input.u8()));
      case 'V' -> push(input.line());
      case 'U' -> push(input.oldString(input.u1()));
      case 'T' -> push(input.oldString(input.u4()));
      case 'S' -> push(quoted(input.line()));
      case 'C' -> bytes(input.u1());
      case 'B' -> bytes(input.u4());
      case 0x8e, 0x96 -> bytes(input.u8());
      default -> container(opcode);
    }
  }

  private void container(int opcode) throws WeightsException {
    switch (opcode) {
      case ')' -> push(new Tuple());
      case 0x85 -> push(tuple(1));
      case 0x86 -> push(tuple(2));
      case 0x87 -> push(tuple(3));
      case 't' -> push(new Tuple(popMark()));
      case ']' -> push(objects.list());
      case 'l' -> {
        Sequence list = objects.list();
        appendAll(list, popMark());
        push(list);
      }
      case '}' -> push(objects.dictionary(false));
      case 'd' -> {
        Dictionary dictionary = objects.dictionary(false);
        setAll(dictionary, popMark());
        push(dictionary);
      }
      case 0x8f -> push(new Placeholder("set"));
      case 0x91 -> {
        popMark();
        push(new Placeholder("frozenset"));
      }
      case 'a' -> {
        Object item = pop();
        objects.append(top(), item);
      }
      case 'e' -> {
        Object[] items = popMark();
        appendAll(top(), items);
      }
      case 0x90 -> {
        popMark();
        if (!(top() instanceof Placeholder)) {
          throw input.wrong("items are added to " + PickleObjects.describe(top()));
        }
      }
      case 's' -> {
        Object value = pop();
        Object key = pop();
        objects.setItem(top(), key, value);
      }
      case 'u' -> {
        Object[] items = popMark();
        setAll(top(), items);
      }
      default -> object(opcode);
    }
  }

  private void object(int opcode) throws WeightsException {
    switch (opcode) {
      case 'c' -> push(name(input.line(), input.line()));
      case 0x93 -> {
        Object name = pop();
        Object module = pop();
        if (!(module instanceof String from) || !(name instanceof String what)) {
          throw input.wrong("a name in it is no text");
        }
        push(name(from, what));
      }
      case 'R' -> {
        Object arguments = pop();
        push(objects.call(pop(), arguments));
      }
      case 0x81 -> {
        Object arguments = pop();
        push(objects.create(pop(), arguments));
      }
      case 0x92 -> {
        Object named = pop();
        Object arguments = pop();
        boolean none = named instanceof Dictionary dictionary && dictionary.items.isEmpty();
        Object type = pop();
        if (!none && !(type instanceof Name name && name.role() == PickleNames.Role.PLACEHOLDER)) {
          throw input.wrong(
              "an object of " + PickleObjects.describe(type) + " is made with named arguments");
        }
        push(objects.create(type, arguments));
      }
      case 'i' -> {
        Name type = name(input.line(), input.line());
        push(objects.create(type, new Tuple(popMark())));
      }
      case 'o' -> {
        Object[] items = popMark();
        if (items.length == 0) {
          throw input.wrong("an object is made of nothing");
        }
        Object[] arguments = new Object[items.length - 1];
        System.arraycopy(items, 1, arguments, 0, arguments.length);
        push(objects.create(items[0], new Tuple(arguments)));
      }
      case 'b' -> {
        Object state = pop();
        objects.build(top(), state);
      }
      case 'P' ->
          throw input.wrong(
              "it refers to something outside of it by a text, as protocol 0 does: save it with"
                  + " another");
      case 'Q' -> push(objects.storage(pop()));
      case 'p' -> put(index(input.line()));
      case 'q' -> put(input.u1());
      case 'r' -> put(input.u4());
      case 0x94 -> put(memo.size() + scattered.size());
      case 'g' -> get(index(input.line()));
      case 'h' -> get(input.u1());
      case 'j' -> get(input.u4());
      case 0x82, 0x83, 0x84 ->
          throw input.wrong("it uses an extension code, which only its own program knows");
      case 0x97 -> throw input.wrong("it refers to a buffer outside of it");
      case 0x98 -> top(); // a buffer becomes read-only, which everything is here
      default -> throw input.wrong(String.format(Locale.ROOT, "no opcode is 0x%02x", opcode));
    }
  }

  private void protocol(int version) throws WeightsException {
    if (version > 5) {
      throw input.wrong("its protocol is " + version + ", 0 to 5 are read");
    }
  }

  private void frame(long length) throws WeightsException {
    if (length > input.left()) {
      throw input.wrong("a frame of it reaches beyond the file, which may be truncated");
    }
  }

  private Name name(String module, String name) throws WeightsException {
    var known = PickleNames.find(module, name);
    if (known.isEmpty()) {
      String path = PickleNames.path(module, name);
      throw input.wrong(
          "it names " + OneLine.clip(path) + ", which is refused: " + PickleNames.reason(path));
    }
    return known.get();
  }

  private void bytes(long length) throws WeightsException {
    input.skip(length);
    push(new Placeholder(BYTES));
  }

  private void push(Object value) throws WeightsException {
    input.allocate(40);
    stack.add(value);
  }

  private int bottom() {
    return marks.isEmpty() ? 0 : marks.getLast();
  }

  private Object top() throws WeightsException {
    if (stack.size() <= bottom()) {
      throw input.wrong("it takes from an empty stack");
    }
    return stack.getLast();
  }

  private Object pop() throws WeightsException {
    Object value = top();
    stack.removeLast();
    return value;
  }

  private void mark() throws WeightsException {
    input.allocate(40);
    marks.add(stack.size());
  }

  /** Pops an object, or a mark where that is on top. */
  private void discard() throws WeightsException {
    if (!marks.isEmpty() && stack.size() == marks.getLast()) {
      marks.removeLast();
    } else {
      pop();
    }
  }

  /** Takes everything down to the last mark. */
  private Object[] popMark() throws WeightsException {
    if (marks.isEmpty()) {
      throw input.wrong("it has no mark where one is wanted");
    }
    List<Object> above = stack.subList(marks.removeLast(), stack.size());
    Object[] items = above.toArray();
    above.clear();
    return items;
  }

  private Tuple tuple(int length) throws WeightsException {
    Object[] items = new Object[length];
    for (int i = length - 1; i >= 0; i--) {
      items[i] = pop();
    }
    return new Tuple(items);
  }

  private void appendAll(Object list, Object[] items) throws WeightsException {
    for (Object item : items) {
      objects.append(list, item);
    }
  }

  private void setAll(Object dictionary, Object[] items) throws WeightsException {
    if (items.length % 2 != 0) {
      throw input.wrong("a dictionary of it has a key without a value");
    }
    for (int i = 0; i < items.length; i += 2) {
      objects.setItem(dictionary, items[i], items[i + 1]);
    }
  }

  private void put(long index) throws WeightsException {
    if (index == memo.size()) {
      input.allocate(16);
      memo.add(top());
    } else if (index < memo.size()) {
      memo.set((int) index, top());
    } else {
      input.allocate(128);
      scattered.put(index, top());
    }
  }

  private void get(long index) throws WeightsException {
    Object value = index < memo.size() ? memo.get((int) index) : scattered.get(index);
    if (value == null) {
      throw input.wrong("its memo has no object " + index);
    }
    push(value);
  }

  private long index(String line) throws WeightsException {
    if (line.matches("\\d{1,18}")) {
      return Long.parseLong(line);
    }
    throw input.wrong("'" + OneLine.clip(line) + "' is no place in its memo");
  }

  private static Object whole(BigInteger number) {
    boolean fits = number.compareTo(LEAST) >= 0 && number.compareTo(MOST) <= 0;
    return fits ? (Object) number.longValue() : number;
  }

  private Object parse(int opcode, String line) throws WeightsException {
    String text = opcode == 'L' && line.endsWith("L") ? chopped(line) : line;
    try {
      if (opcode == 'F') {
        return Double.parseDouble(text);
      }
      if (opcode == 'I' && (text.equals("00") || text.equals("01"))) {
        return text.equals("01");
      }
      if (text.length() <= 600) { // the time that a number takes grows with its square
        return whole(new BigInteger(text));
      }
    } catch (NumberFormatException _) {
      // as said below
    }
    throw input.wrong("'" + OneLine.clip(line) + "' is no number");
  }

  private static String chopped(String line) {
    return line.substring(0, line.length() - 1);
  }

  private String quoted(String line) throws WeightsException {
    boolean quoted =
        line.length() >= 2
            && (line.charAt(0) == '\'' || line.charAt(0) == '"')
            && line.charAt(line.length() - 1) == line.charAt(0);
    if (!quoted) {
      throw input.wrong("a text of it is not in quotes");
    }
    return line.substring(1, line.length() - 1);
  }
}
