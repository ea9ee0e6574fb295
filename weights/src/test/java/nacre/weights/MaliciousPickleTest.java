package nacre.weights;

import static nacre.weights.PickleReading.assertRefused;
import static nacre.weights.PickleReading.read;
import static nacre.weights.PickleReading.refused;
import static nacre.weights.PickleText.START;
import static nacre.weights.PickleText.STORAGE;
import static nacre.weights.PickleText.TENSOR;
import static nacre.weights.PickleText.beside;
import static nacre.weights.PickleText.dictionary;
import static nacre.weights.PickleText.global;
import static nacre.weights.PickleText.little;
import static nacre.weights.PickleText.number;
import static nacre.weights.PickleText.stacked;
import static nacre.weights.PickleText.text;
import static nacre.weights.PickleText.tuple;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Pickles that would run something in Python: each is refused in one line. */
class MaliciousPickleTest {
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

  @Test
  void whatFollowsTheEndIsRefused() {
    assertRefused("no mark where one is wanted", START + "Nt.");
    assertRefused("1 bytes follow its end", beside("N") + "N");
    assertRefused("bytes follow its end", beside("N") + beside("N"));
  }

  /** What stands beside a tensor is dropped, whatever it holds, but other tensors. */
  @Test
  void ofHarmlessObjectsOnlyTensorsAreRead() throws WeightsException {
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
    Map<String, Set<String>> wanted =
        Map.of(
            namespace, Set.of("w", "x.w"),
            counter, Set.of("w"),
            set, Set.of("w"),
            attributes, Set.of("w", "x.a"));
    for (Map.Entry<String, Set<String>> each : wanted.entrySet()) {
      assertEquals(each.getValue(), read(ZipBytes.checkpoint(beside(each.getKey())).bytes()));
    }
  }
}
