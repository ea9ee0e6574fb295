package nacre.tensor.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.LibraryBuild;
import nacre.bindings.NativeLibrary;
import nacre.bindings.nvrtc.Nvrtc;

/**
 * Makes code for a GPU out of the kernel sources in this jar, by NVRTC, with the headers that
 * {@link FunctionTable} and {@link KernelConstants} write. What was made is kept on disk under a
 * name that depends on the source and all it includes, the options, the architecture and the
 * compiler's version and build, so each is compiled once on a machine; and not at all where code
 * for its architecture was shipped with the program.
 */
public final class KernelCompiler {
  private static final String FOLDER = "kernels/";
  private static final Pattern INCLUDE = Pattern.compile("(?m)^#include \"([^\"]+)\"");

  private KernelCompiler() {}

  /**
   * Loads the code of one source file for an architecture such as {@code sm_90}.
   *
   * @param name the file without its ending
   * @param cache the folder that code is kept in
   * @param load what the driver makes of code; it is compiled again where kept code does not load
   * @throws CudaException with the compiler's own messages if it does not compile
   */
  static <T> T load(String name, String architecture, Path cache, Function<byte[], T> load) {
    Source source = source(name);
    List<String> options = options(architecture);
    if (CudaLibraries.simulator().isEmpty()) { // whose code is none for a GPU
      T shipped = CodeCache.find(shipped(source, options, cache), load);
      if (shipped != null) {
        return shipped;
      }
    }
    String compiler =
        CudaLibraries.find(CudaLibrary.NVRTC) instanceof NativeLibrary.Loaded loaded
            ? loaded.version() + " " + LibraryBuild.of(loaded.file())
            : "";
    Path file = cache.resolve(source.key(options, compiler) + ".cubin");
    return CodeCache.get(file, load, () -> compile(source, options).code());
  }

  /**
   * Compiles a source file into the folder that code is kept in, as code that was shipped: it is
   * taken on machines with any compiler, or none.
   */
  static void ship(String name, String architecture, Path cache) {
    Source source = source(name);
    List<String> options = options(architecture);
    CodeCache.write(shipped(source, options, cache), compile(source, options).code());
  }

  private static Path shipped(Source source, List<String> options, Path cache) {
    return cache.resolve("shipped").resolve(source.key(options, "") + ".cubin");
  }

  /** Code, and what the compiler said besides. */
  record Compiled(byte[] code, String log) {}

  /** Compiles a source file, past the cache. */
  static Compiled compile(String name, String architecture) {
    return compile(source(name), options(architecture));
  }

  private static List<String> options(String architecture) {
    return List.of("--gpu-architecture=" + architecture, "--std=c++17", "-default-device");
  }

  private static Compiled compile(Source source, List<String> options) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment headers = arena.allocate(ValueLayout.ADDRESS, source.headers.size() + 1L);
      MemorySegment names = arena.allocate(ValueLayout.ADDRESS, source.headers.size() + 1L);
      int count = 0;
      for (Map.Entry<String, String> header : source.headers.entrySet()) {
        names.setAtIndex(ValueLayout.ADDRESS, count, arena.allocateFrom(header.getKey()));
        headers.setAtIndex(ValueLayout.ADDRESS, count, arena.allocateFrom(header.getValue()));
        count++;
      }
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(
          Nvrtc.nvrtcCreateProgram(
              out,
              arena.allocateFrom(source.text),
              arena.allocateFrom(source.name + ".cu"),
              count,
              headers,
              names),
          "nvrtcCreateProgram");
      MemorySegment program = out.get(ValueLayout.ADDRESS, 0);
      try {
        MemorySegment words = arena.allocate(ValueLayout.ADDRESS, options.size());
        for (int i = 0; i < options.size(); i++) {
          words.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(options.get(i)));
        }
        int status = Nvrtc.nvrtcCompileProgram(program, options.size(), words);
        String log = log(program, arena);
        if (status != Nvrtc.NVRTC_SUCCESS()) {
          throw new CudaException(
              String.format(
                  Locale.ROOT, "NVRTC: %s.cu: %s: %s", source.name, explain(status), log));
        }
        MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
        check(Nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
        MemorySegment code = arena.allocate(size.get(ValueLayout.JAVA_LONG, 0));
        check(Nvrtc.nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN");
        return new Compiled(code.toArray(ValueLayout.JAVA_BYTE), log);
      } finally {
        out.set(ValueLayout.ADDRESS, 0, program);
        Nvrtc.nvrtcDestroyProgram(out);
      }
    }
  }

  private static String log(MemorySegment program, Arena arena) {
    MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
    check(Nvrtc.nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
    MemorySegment log = arena.allocate(Math.max(1, size.get(ValueLayout.JAVA_LONG, 0)));
    check(Nvrtc.nvrtcGetProgramLog(program, log), "nvrtcGetProgramLog");
    return log.getString(0).strip();
  }

  private static void check(int status, String call) {
    if (status != Nvrtc.NVRTC_SUCCESS()) {
      throw new CudaException("NVRTC: " + call + ": " + explain(status));
    }
  }

  private static String explain(int status) {
    return CudaException.text(Nvrtc.nvrtcGetErrorString(status));
  }

  // ---- sources

  /** A source file and the headers that it or they include, by name. */
  private record Source(String name, String text, Map<String, String> headers) {
    String key(List<String> options, String version) {
      try {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        headers.forEach(
            (header, body) -> digest.update((header + body).getBytes(StandardCharsets.UTF_8)));
        digest.update((options + version).getBytes(StandardCharsets.UTF_8));
        return name + "-" + HexFormat.of().formatHex(digest.digest(), 0, 16);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every Java has SHA-256", e);
      }
    }
  }

  private static Source source(String name) {
    String text = read(name + ".cu");
    Map<String, String> headers = new LinkedHashMap<>();
    addHeaders(text, headers);
    return new Source(name, text, headers);
  }

  private static void addHeaders(String text, Map<String, String> to) {
    for (Matcher m = INCLUDE.matcher(text); m.find(); ) {
      String header = m.group(1);
      if (!to.containsKey(header)) {
        to.put(header, read(header));
        addHeaders(to.get(header), to);
      }
    }
  }

  private static String read(String file) {
    if (file.equals(FunctionTable.HEADER)) {
      return FunctionTable.header();
    }
    if (file.equals(KernelConstants.HEADER)) {
      return KernelConstants.header();
    }
    String resource = "/nacre/tensor/cuda/" + FOLDER + file;
    try (InputStream in = KernelCompiler.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("cuda: the jar lacks " + resource);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }
}
