package nacre.weights;

import static nacre.weights.PickleText.START;
import static nacre.weights.PickleText.STORAGE;
import static nacre.weights.PickleText.TENSOR;
import static nacre.weights.PickleText.beside;
import static nacre.weights.PickleText.dictionary;
import static nacre.weights.PickleText.global;
import static nacre.weights.PickleText.little;
import static nacre.weights.PickleText.number;
import static nacre.weights.PickleText.stacked;
import static nacre.weights.PickleText.storage;
import static nacre.weights.PickleText.tensor;
import static nacre.weights.PickleText.text;
import static nacre.weights.PickleText.tuple;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles that would run something in Python, or exhaust a reader: each is refused in one line. */
class MaliciousPickleTest {
  private static final Path PATH = Path.of("evil.pt");

  private static Set<String> read(byte[] file) throws WeightsException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = MemorySegment.ofArray(file);
      return Set.copyOf(TorchFile.parse(PATH, bytes, arena, Optional.empty()).entries().keySet());
    }
  }

  private static String refused(String pickle) {
    byte[] file = ZipBytes.checkpoint(pickle).bytes();
    String message = assertThrows(WeightsException.class, () -> read(file)).getMessage();
    assertTrue(message.startsWith("evil.pt: ") && message.length() < 600, message);
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  private static void assertRefused(String reason, String pickle) {
    String message = refused(pickle);
    assertTrue(message.contains(reason), message);
  }

  @Test
  void theCheckpointThatTheOthersAreMadeFromIsRead() throws WeightsException {
    String pickle = beside(number(1));
    assertEquals(Set.of("w"), read(ZipBytes.checkpoint(pickle).bytes()));
    assertEquals(Set.of("w"), read(ZipBytes.checkpoint(pickle).bytes(true)));
  }

  /** What attacks have called, and what scanners of pickles list. */
  static Stream<String> dangerous() {
    return Stream.of(
        "os.system",
        "os.popen",
        "os.execvp",
        "os.remove",
        "posix.system",
        "posix.execv",
        "nt.system",
        "subprocess.Popen",
        "subprocess.check_output",
        "subprocess.getoutput",
        "builtins.eval",
        "builtins.exec",
        "builtins.compile",
        "builtins.getattr",
        "builtins.setattr",
        "builtins.delattr",
        "builtins.__import__",
        "builtins.open",
        "builtins.globals",
        "builtins.map",
        "builtins.type",
        "builtins.breakpoint",
        "__builtin__.eval",
        "__builtin__.apply",
        "__builtin__.execfile",
        "__builtin__.file",
        "__main__.Payload",
        "sys.modules",
        "sys.exit",
        "runpy._run_code",
        "runpy.run_path",
        "webbrowser.open",
        "importlib.import_module",
        "pickle.loads",
        "_pickle.Unpickler",
        "marshal.loads",
        "shelve.open",
        "dill._dill._create_function",
        "cloudpickle.cloudpickle._make_function",
        "joblib.load",
        "types.FunctionType",
        "types.CodeType",
        "operator.attrgetter",
        "operator.methodcaller",
        "functools.partial",
        "functools.reduce",
        "itertools.starmap",
        "copyreg._reconstructor",
        "copyreg.__newobj__",
        "copy_reg.add_extension",
        "ctypes.CDLL",
        "pty.spawn",
        "code.InteractiveInterpreter",
        "codeop.compile_command",
        "pdb.run",
        "bdb.Bdb",
        "cProfile.run",
        "profile.run",
        "timeit.timeit",
        "trace.Trace",
        "doctest.run_docstring_examples",
        "asyncio.create_subprocess_shell",
        "multiprocessing.util.spawnv_passfds",
        "socket.create_connection",
        "urllib.request.urlopen",
        "requests.get",
        "http.client.HTTPSConnection",
        "ftplib.FTP",
        "smtplib.SMTP",
        "shutil.rmtree",
        "tempfile.mktemp",
        "pathlib.Path.unlink",
        "zipimport.zipimporter",
        "pip.main",
        "pydoc.pipepager",
        "venv.create",
        "ensurepip._run_pip",
        "lib2to3.pgen2.pgen.ParserGenerator",
        "idlelib.run.Executive",
        "_codecs.decode",
        "codecs.open",
        "numpy.load",
        "numpy.testing._private.utils.runstring",
        "numpy.f2py.crackfortran.getlincoef",
        "numpy.save",
        "pandas.eval",
        "torch.load",
        "torch.save",
        "torch.hub.load",
        "torch.jit.load",
        "torch.jit.unsupported_tensor_ops.execWrapper",
        "torch.storage._load_from_bytes",
        "torch.serialization.load",
        "torch.nn.Module",
        "torch.nn.modules.linear.Linear",
        "torch.utils.data.datapipes.utils.decoder.basichandlers",
        "torch._dynamo.guards.GuardBuilder.get",
        "torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression",
        "torch.utils._config_module.load_config",
        "torch.distributed.rpc.internal._internal_rpc_pickler",
        "torch.multiprocessing.reductions.rebuild_storage_filename",
        "torch._utils._import_dotted_name",
        "torch.package.PackageImporter",
        "torch.optim.adam.Adam",
        "transformers.AutoModel.from_pretrained",
        "pytorch_lightning.Trainer",
        "omegaconf.OmegaConf.create",
        "argparse.ArgumentParser",
        "argparse.FileType",
        "java.lang.Runtime");
  }

  /** By every opcode that names, calls or makes something. */
  @ParameterizedTest
  @MethodSource("dangerous")
  void aNameThatIsNotKnownIsRefusedHoweverItIsUsed(String path) {
    int dot = path.lastIndexOf('.');
    String module = path.substring(0, dot);
    String name = path.substring(dot + 1);
    String full = path.replace("__builtin__.", "builtins.").replace("copy_reg.", "copyreg.");
    String arguments = tuple(text("touch /tmp/owned"));
    for (String use :
        new String[] {
          global(module, name),
          global(module, name) + arguments + "R",
          stacked(module, name) + arguments + "R",
          global(module, name) + arguments + "\u0081",
          global(module, name) + arguments + "}\u0092",
          "(" + text("touch") + "i" + module + "\n" + name + "\n",
          "(" + global(module, name) + text("touch") + "o",
          global("collections", "OrderedDict") + "(" + global(module, name) + "tR",
          global("argparse", "Namespace")
              + ")\u0081"
              + dictionary(text("x"), global(module, name))
              + "b",
          global("torch._tensor", "_rebuild_from_type_v2")
              + tuple(global(module, name), global("torch", "Tensor"), arguments, "}")
              + "R",
          tuple(text("storage"), global(module, name), text("0"), text("cpu"), number(4)) + "Q",
          global("torch._utils", "_rebuild_tensor_v3")
              + tuple(STORAGE, number(0), ")", ")", "\u0089", "}", global(module, name))
              + "R",
        }) {
      assertRefused("it names " + full + ", which is refused: ", beside(use));
    }
    // Where it comes first, too, and where the harmless comes last.
    assertRefused(
        "it names " + full, START + global(module, name) + arguments + "R0" + beside("N"));
  }

  /** Names that lead to others by their dots, or end elsewhere than they seem to. */
  static Stream<Arguments> crooked() {
    return Stream.of(
        Arguments.of("builtins", "list.__class__"),
        Arguments.of("torch", "serialization.os.system"),
        Arguments.of("torch", "_utils._rebuild_tensor_v2"),
        Arguments.of("collections", "OrderedDict.__reduce__"),
        Arguments.of("argparse", "Namespace.__init__.__globals__"),
        Arguments.of("os\nsystem", "x"),
        Arguments.of("os", "system\u0000"),
        Arguments.of("", "eval"),
        Arguments.of("collections.OrderedDict", ""),
        Arguments.of("collections ", "OrderedDict"),
        Arguments.of("Collections", "OrderedDict"),
        Arguments.of("torch.", "Tensor"));
  }

  @ParameterizedTest
  @MethodSource("crooked")
  void crookedNamesAreRefused(String module, String name) {
    String message = refused(beside(stacked(module, name)));
    assertTrue(message.contains("it names " + OneLine.clip(module)), message);
  }

  @Test
  void aNameOfOtherThingsThanTextsIsRefused() {
    assertRefused("a name in it is no text", beside(text("os") + number(1) + "\u0093"));
    assertRefused("a name in it is no text", beside(tuple(text("os")) + text("system") + "\u0093"));
  }

  /** Names that are known, used for what they are not. */
  static Stream<Arguments> misused() {
    String ordered = global("collections", "OrderedDict");
    String rebuild = global("torch._utils", "_rebuild_tensor_v2");
    return Stream.of(
        Arguments.of("it calls 8, which is no function", number(8) + ")R"),
        Arguments.of("it calls posix, which is no function", text("posix") + ")R"),
        Arguments.of(
            "it calls an object of argparse.Namespace", global("argparse", "Namespace") + ")R)R"),
        Arguments.of("it calls a dictionary of 0", "})R"),
        Arguments.of("arguments are a list of 0", ordered + "]R"),
        Arguments.of("arguments are 1", ordered + number(1) + "R"),
        Arguments.of("torch.FloatStorage is called", global("torch", "FloatStorage") + ")R"),
        Arguments.of("torch.float32 is called", global("torch", "float32") + ")R"),
        Arguments.of("torch.Tensor is called", global("torch", "Tensor") + ")R"),
        Arguments.of("torch.Tensor is made anew", global("torch", "Tensor") + ")\u0081"),
        Arguments.of("_rebuild_tensor_v2 is made anew", rebuild + ")\u0081"),
        Arguments.of(
            "torch.FloatStorage is made anew", "(" + global("torch", "FloatStorage") + "o"),
        Arguments.of(
            "_rebuild_parameter is no class",
            global("torch._utils", "_rebuild_parameter") + tuple(TENSOR) + "\u0081"),
        Arguments.of("which is no class", number(3) + ")\u0081"),
        Arguments.of("an object is made of nothing", "(o"),
        Arguments.of(
            "is made with named arguments",
            ordered + ")" + dictionary(text("a"), number(1)) + "\u0092"),
        Arguments.of("is called with something other than a tensor's parts", rebuild + ")R"),
        Arguments.of(
            "is called with something other than a tensor's parts",
            rebuild + tuple("N", number(0), ")", ")", "\u0089", "}") + "R"),
        Arguments.of(
            "is called with something other than a tensor's parts",
            global("torch._tensor", "_rebuild_from_type_v2")
                + tuple(global("argparse", "Namespace"), global("torch", "Tensor"), ")", "}")
                + "R"),
        Arguments.of(
            "is called with something other than a tensor's parts",
            global("torch._tensor", "_rebuild_from_type_v2")
                + tuple(
                    global("torch._tensor", "_rebuild_from_type_v2"),
                    global("torch", "Tensor"),
                    ")",
                    "}")
                + "R"),
        Arguments.of(
            "is called with an object of argparse.Namespace",
            global("torch._utils", "_rebuild_parameter")
                + tuple(global("argparse", "Namespace") + ")R")
                + "R"),
        Arguments.of(
            "is called with an item of 3 values",
            ordered + tuple("](" + tuple("N", "N", "N") + "e") + "R"),
        Arguments.of("where a tuple is wanted", ordered + tuple(number(1)) + "R"),
        Arguments.of("a state is given to a dictionary", "}}b"),
        Arguments.of("a state is given to None", "N}b"),
        Arguments.of("a state is given to a tensor", TENSOR + "}b"),
        Arguments.of("a state is given to a list", "]}b"),
        Arguments.of("a state is given to torch.Tensor", global("torch", "Tensor") + "}b"),
        Arguments.of(
            "a state is given to argparse.Namespace",
            global("argparse", "Namespace") + dictionary(text("__setstate__"), number(1)) + "b"),
        Arguments.of("a state is given to a dictionary", ordered + ")RNb"),
        Arguments.of("an item is set in None", "NNNs"),
        Arguments.of("an item is set in a tuple", ")NNs"),
        Arguments.of("an item is set in collections.OrderedDict", ordered + "NNs"),
        Arguments.of("an item is set in a tensor", TENSOR + "(NNu"),
        Arguments.of("an item is appended to a tuple", ")Na"),
        Arguments.of("an item is appended to a dictionary", "}(Ne"),
        Arguments.of("items are added to a list", "](N\u0090"),
        Arguments.of("a key without a value", "}(NNNu"),
        Arguments.of("a key without a value", "(NNNd"),
        Arguments.of("outside of it by a text", "P0\n"),
        Arguments.of("it refers to 0 outside of it", text("0") + "Q"),
        Arguments.of("it refers to a tuple of 2 outside of it", "(NNtQ"),
        Arguments.of(
            "it refers to something outside of it that is no storage",
            tuple(text("storage"), number(1), text("0"), text("cpu"), number(4)) + "Q"),
        Arguments.of(
            "it refers to something outside of it that is no storage",
            tuple(
                    text("file"),
                    global("torch", "FloatStorage"),
                    text("/etc/passwd"),
                    text("cpu"),
                    number(4))
                + "Q"),
        Arguments.of(
            "it holds a module with its source",
            tuple(text("module"), "N", text("a.py"), text("import os"), "N") + "Q"),
        Arguments.of("it uses an extension code", "\u0082\u0001"),
        Arguments.of("it uses an extension code", "\u0083\u0001\u0001"),
        Arguments.of("it uses an extension code", "\u0084\u0001\u0001\u0001\u0001"),
        Arguments.of("it refers to a buffer outside of it", "\u0097"),
        Arguments.of("no opcode is 0xff", "\u00ff"),
        Arguments.of("no opcode is 0x00", "\u0000"),
        Arguments.of("its protocol is 6", "\u0080\u0006"),
        Arguments.of("its memo has no object 9", "h\u0009"),
        Arguments.of("its memo has no object 4294967295", "j\u00ff\u00ff\u00ff\u00ff"),
        Arguments.of("is no place in its memo", "g-1\n"),
        Arguments.of("is no place in its memo", "Np1e3\n"),
        Arguments.of("from an empty stack", "00000000t"),
        Arguments.of("from an empty stack", "(0(\u0085"),
        Arguments.of("from an empty stack", "(N\u0086"),
        Arguments.of("from an empty stack", "(2"),
        Arguments.of("from an empty stack", "(\u0098"),
        Arguments.of("from an empty stack", "N(."),
        Arguments.of("ends with more than one object", "N."),
        Arguments.of("is no number", "I0x10\n"),
        Arguments.of("is no number", "L" + "9".repeat(700) + "\n"),
        Arguments.of("is no number", "Fone\n"),
        Arguments.of("is not in quotes", "S'half\n"),
        Arguments.of("a text in it is not UTF-8", "X" + little(2, 4) + "\u00ff\u00fe"));
  }

  @ParameterizedTest
  @MethodSource("misused")
  void misuseIsRefused(String reason, String value) {
    assertRefused(reason, beside(value));
  }

  /** Lengths that the file does not have; nothing is allocated for them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "X\u00ff\u00ff\u00ff\u00ff",
        "X\u00ff\u00ff\u00ff\u007f",
        "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff",
        "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
        "\u008e\u0000\u0000\u0000\u0000\u0000\u0001\u0000\u0000",
        "\u0096\u0000\u0000\u0000\u0000\u0000\u0001\u0000\u0000",
        "B\u00ff\u00ff\u00ff\u00ff",
        "C\u00ff",
        "T\u00ff\u00ff\u00ff\u007f",
        "U\u00ff",
        "\u008c\u00ff",
        "\u008a\u00ff",
        "K",
        "G",
        "c",
        "cos",
        "cos\nsystem"
      })
  void lengthsBeyondTheFileAreRefused(String value) {
    assertRefused("may be truncated", START + value);
  }

  @Test
  void longNumbersAndLinesAreRefused() {
    assertRefused("a number of 4294967295 bytes", beside("\u008b\u00ff\u00ff\u00ff\u00ff"));
    assertRefused("a number of 300 bytes", beside("\u008b" + little(300, 4) + "1".repeat(300)));
    assertRefused("a line of more than 4096", beside("c" + "a".repeat(5000) + "\nb\n"));
    assertRefused("a frame of it reaches beyond", beside("\u0095" + little(1 << 20, 8)));
    assertRefused("a frame of it reaches beyond", beside("\u0095" + little(-1, 8)));
  }

  /** Few bytes that ask for much memory. */
  @Test
  void bombsOfMemoryAreRefused() {
    String memory = "its objects would take more than 268435456 bytes of memory";
    assertRefused(memory, START + "}".repeat(1_200_000));
    assertRefused(memory, START + "]".repeat(2_400_000));
    assertRefused(memory, START + "N" + "2".repeat(6_800_000));
    assertRefused(memory, START + "(".repeat(6_800_000));
    StringBuilder memo = new StringBuilder(START + "N");
    for (int i = 0; i < 2_200_000; i++) {
      memo.append("r").append(little(i * 977L, 4));
    }
    assertRefused(memory, memo.toString());
    StringBuilder copies = new StringBuilder(START + "](");
    String list = "(" + "N".repeat(1000) + "lq\u0001";
    copies.append(list);
    String size = global("torch", "Size") + "q\u0002";
    copies.append(size);
    copies.append(("h\u0002h\u0001\u0085R").repeat(60_000)); // a tuple of the list, again and again
    assertRefused(memory, copies.toString());
  }

  /** Billions of paths through few objects, and objects within themselves. */
  @Test
  void bombsOfReferencesAreRefused() {
    StringBuilder laughs = new StringBuilder(START + "}q\u0000");
    for (int i = 0; i < 60; i++) {
      String last = "h" + (char) i;
      laughs.append("0}(").append(text("a")).append(last).append(text("b")).append(last);
      laughs.append("uq").append((char) (i + 1));
    }
    laughs.append(".");
    assertRefused("too many to look through", laughs.toString());
    assertRefused("more than 64 deep", START + "}q\u0000" + text("a") + "h\u0000s.");
    assertRefused("more than 64 deep", START + "]q\u0000h\u0000a.");
    String nested = "(".repeat(100_000) + "N" + "l".repeat(100_000);
    assertRefused("more than 64 deep", START + nested + ".");
    String tuples = "N" + "\u0085".repeat(100_000);
    assertRefused("more than 64 deep", START + tuples + ".");
    StringBuilder models = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      models.append("}").append(text("model"));
    }
    assertRefused("more than 64 deep", START + models + "}" + "s".repeat(100) + ".");
    String long4k = text("k".repeat(4000)) + "q\u0001";
    assertRefused(
        "a name of more than 4096", START + "}" + long4k + dictionary("h\u0001", TENSOR) + "s.");
  }

  /** A dictionary that is its own model, and would be looked for in itself without end. */
  @Test
  void aModelThatHoldsItselfIsRefused() {
    String self = text("w") + TENSOR + text("model") + "h\u0000" + text("x") + "h\u0000";
    assertRefused("more than 64 deep", START + "}q\u0000(" + self + "u.");
  }

  /** Whole numbers and fractions of one hash, among which a tree cannot find its way. */
  @Test
  void keysOfOneHashTakeNoTime() throws WeightsException {
    StringBuilder keys = new StringBuilder();
    for (long i = 1; i <= 40_000; i++) {
      long bits = i << 32 | i;
      keys.append(number(bits)).append("N");
      keys.append("G").append(new StringBuilder(little(bits, 8)).reverse()).append("N");
    }
    String pickle = START + "}(" + text("w") + TENSOR + keys + "u.";
    assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> assertEquals(Set.of("w"), read(ZipBytes.checkpoint(pickle).bytes())));
  }

  /** Tensors whose numbers are negated, or conjugated, when they are read. */
  @Test
  void viewsOfOtherNumbersAreRefused() {
    for (String bit : List.of("neg", "conj")) {
      String metadata = dictionary(text(bit), "\u0088");
      String view =
          global("torch._utils", "_rebuild_tensor_v2")
              + tuple(
                  STORAGE, number(0), tuple(number(4)), tuple(number(1)), "\u0089", "}", metadata)
              + "R";
      assertRefused("whose " + bit + " bit is set", START + view + ".");
    }
  }

  /** Laughs through the keys of dictionaries: no hash walks through tuples. */
  @Test
  void tuplesAsKeysTakeNoTime() throws WeightsException {
    StringBuilder keys = new StringBuilder("Nq\u0000");
    for (int i = 0; i < 100; i++) {
      keys.append("0h").append((char) i).append("2\u0086q").append((char) (i + 1));
    }
    String pickle = START + keys + "0" + dictionary(text("w"), TENSOR, "h\u0064", "N") + ".";
    assertEquals(Set.of("w"), read(ZipBytes.checkpoint(pickle).bytes()));
  }

  /** Tensors that do not lie in their storage, or are not what a tensor can be. */
  static Stream<Arguments> tensors() {
    String big = number(Long.MAX_VALUE);
    String one = tuple(number(1));
    String four = tuple(number(4));
    return Stream.of(
        Arguments.of("reaches outside of storage 0", STORAGE, number(1), four, one),
        Arguments.of("reaches outside of storage 0", STORAGE, number(0), tuple(number(5)), one),
        Arguments.of("reaches outside of storage 0", STORAGE, number(4), tuple(), tuple()),
        Arguments.of("reaches outside of storage 0", STORAGE, number(0), four, tuple(number(2))),
        Arguments.of("reaches outside of storage 0", STORAGE, big, four, one),
        Arguments.of("reaches outside of storage 0", STORAGE, number(0), four, tuple(big)),
        Arguments.of(
            "reaches outside of storage 0", STORAGE, number(2), tuple(number(3)), tuple(big)),
        Arguments.of(
            "reaches outside of storage 0",
            STORAGE,
            number(0),
            tuple(number(2), number(2)),
            tuple(number(Long.MAX_VALUE / 2 + 1), number(Long.MAX_VALUE / 2 + 1))),
        Arguments.of("has -1 for an offset", STORAGE, number(-1), four, one),
        Arguments.of("has -4 for an extent", STORAGE, number(0), tuple(number(-4)), one),
        Arguments.of("has -1 for a stride", STORAGE, number(3), four, tuple(number(-1))),
        Arguments.of("has true for an extent", STORAGE, number(0), tuple("\u0088"), one),
        Arguments.of(
            "has 1.0 for a stride", STORAGE, number(0), four, tuple("G?\u00f0" + "\0".repeat(6))),
        Arguments.of(
            "for an offset", STORAGE, "\u008a\u0009" + "\u00ff".repeat(8) + "\0", four, one),
        Arguments.of(
            "has an extent of 2147483648",
            STORAGE,
            number(0),
            tuple(number(1L << 31)),
            tuple(number(0))),
        Arguments.of(
            "has a shape that is too large",
            STORAGE,
            number(0),
            tuple(number(1 << 30), number(1 << 30), number(2)),
            tuple(number(0), number(0), number(0))),
        Arguments.of(
            "has a shape that is too large",
            STORAGE,
            number(0),
            tuple(number(1 << 30), number(1 << 30), number(0)),
            tuple(number(0), number(0), number(0))),
        Arguments.of(
            "repeat what it holds more than 16 times",
            STORAGE,
            number(0),
            tuple(number(1 << 30), number(4)),
            tuple(number(0), number(1))),
        Arguments.of(
            "has 2 extents and 1 strides", STORAGE, number(0), tuple(number(2), number(2)), one),
        Arguments.of("where a tuple is wanted", STORAGE, number(0), number(4), one),
        Arguments.of(
            "has 65 extents",
            STORAGE,
            number(0),
            "(" + number(1).repeat(65) + "t",
            "(" + number(1).repeat(65) + "t"),
        Arguments.of(
            "has -1 for its size", storage("0", "FloatStorage", number(-1)), number(0), four, one),
        Arguments.of("for its size", storage("0", "DoubleStorage", big), number(0), four, one),
        Arguments.of(
            "its storage 0 has 16 bytes, its pickle says 20 bytes",
            storage("0", "FloatStorage", number(5)),
            number(0),
            four,
            one),
        Arguments.of(
            "its storage 0 has 16 bytes, its pickle says 12 bytes",
            storage("0", "FloatStorage", number(3)),
            number(0),
            tuple(number(3)),
            one),
        Arguments.of(
            "its storage 0 has 16 bytes, its pickle says 32 bytes",
            storage("0", "DoubleStorage", number(4)),
            number(0),
            four,
            one),
        Arguments.of(
            "its storage 7 has no entry",
            storage("7", "FloatStorage", number(4)),
            number(0),
            four,
            one),
        Arguments.of(
            "its storage ../data.pkl has no entry",
            storage("../data.pkl", "ByteStorage", number(4)),
            number(0),
            four,
            one),
        Arguments.of(
            "is called without an element type",
            storage("0", "UntypedStorage", number(16)),
            number(0),
            four,
            one));
  }

  @ParameterizedTest
  @MethodSource("tensors")
  void tensorsThatCannotBeAreRefused(
      String reason, String storage, String offset, String sizes, String strides) {
    String pickle = START + dictionary(text("w"), tensor(storage, offset, sizes, strides)) + ".";
    assertRefused(reason, pickle);
  }

  @Test
  void aStorageOfTwoSizesOrTypesIsRefused() {
    for (String other :
        new String[] {
          storage("0", "FloatStorage", number(3)),
          storage("0", "IntStorage", number(4)),
          storage("0", "UntypedStorage", number(16))
        }) {
      assertRefused("storage 0 has two sizes or types", beside(other));
    }
  }

  @Test
  void whatFollowsTheEndIsRefused() {
    assertRefused("no mark where one is wanted", START + "Nt.");
    assertRefused("1 bytes follow its end", beside("N") + "N");
    assertRefused("bytes follow its end", beside("N") + beside("N"));
  }

  @Test
  void namesOfTwoTensorsThatAreOneAreRefused() {
    String inner = dictionary(text("b"), TENSOR);
    assertRefused(
        "holds two tensors named a.b",
        START + dictionary(text("a"), inner, text("a.b"), TENSOR) + ".");
    assertRefused(
        "holds two tensors named 1",
        START + dictionary(text("1"), TENSOR, number(1), TENSOR) + ".");
  }

  /** What stands beside a tensor is dropped, whatever it holds. */
  @Test
  void harmlessObjectsAreNotLookedInto() throws WeightsException {
    String namespace =
        global("argparse", "Namespace")
            + ")\u0081"
            + dictionary(text("__class__"), text("os"), text("w"), TENSOR)
            + "b";
    String counter =
        global("collections", "Counter") + tuple(dictionary(text("a"), number(1))) + "R";
    String set = "\u008f(" + number(1) + "\u0090";
    String attributes =
        global("pytorch_lightning.utilities.parsing", "AttributeDict")
            + ")\u0081("
            + text("a")
            + TENSOR
            + "u";
    for (String value : Map.of(1, namespace, 2, counter, 3, set, 4, attributes).values()) {
      assertEquals(Set.of("w"), read(ZipBytes.checkpoint(beside(value)).bytes()));
    }
  }
}
