// NVRTC: builds a kernel source with the host compiler behind device/shim.h, into a module image.
#include "compiler.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <regex>
#include <sstream>

#include "errors.h"
#include "report.h"

namespace sim::compiler {
namespace {

// To be changed when sources are built in another way: what was built before is then built again.
constexpr const char* RECIPE = "2 " RECIPE_OF_KERNELS;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string own_folder() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&own_folder), &info);
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

uint64_t hash(const std::string& text, uint64_t seed) {
  uint64_t h = 14695981039346656037ull ^ seed;
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  return h;
}

std::string quoted(const std::string& s) {
  std::string q = "'";
  for (char c : s) q += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return q + "'";
}

// The kernels of a preprocessed source, as a table for the simulator.
std::string table_of_kernels(const std::string& source) {
  static const std::regex pattern(
      R"(__global__\s+void\s+(?:__launch_bounds__\s*\(([^()]*)\)\s*)?(\w+)\s*\()");
  std::string table = "\nconst nacre_sim::Kernel nacre_sim_kernels[] = {\n";
  unsigned count = 0;
  for (std::sregex_iterator it(source.begin(), source.end(), pattern), end; it != end; ++it) {
    std::string bounds = (*it)[1].matched ? (*it)[1].str() : "1024";
    size_t comma = bounds.find(',');
    if (comma != std::string::npos) bounds = bounds.substr(0, comma);
    std::string name = (*it)[2].str();
    table += "nacre_sim::describe<&" + name + ">(\"" + name + "\", " + bounds + "),\n";
    count++;
  }
  return table + "{}};\n" +
         "extern \"C\" __attribute__((visibility(\"default\"), no_sanitize(\"kernel-address\", \"alignment\")))\n"
         "void nacre_sim_entry(nacre_sim::Entry* e) {\n"
         "  *e = nacre_sim::Entry{&nacre_sim_instance, nacre_sim_kernels, " + std::to_string(count) + "};\n}\n";
}

int run(const std::string& command) {
  int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

std::string cache_folder() {
  static const std::string folder = [] {
    const char* asked = std::getenv("NACRE_SIM_CACHE");
    const char* temporary = std::getenv("TMPDIR");
    std::string path = asked ? asked : std::string(temporary ? temporary : "/tmp") + "/nacre-sim-cache-" +
                                           std::to_string(getuid());
    mkdir(path.c_str(), 0700);
    return path;
  }();
  return folder;
}

Result compile(const Source& source) {
  std::string home = own_folder();
  const char* chosen = std::getenv("CXX");
  std::string cxx = chosen && *chosen ? chosen : "g++";
  const std::string flags =
      "-std=c++17 -O2 -fPIC -fvisibility=hidden -fno-strict-aliasing -ffp-contract=off -fno-math-errno "
      "-fno-gnu-unique -fno-exceptions -fno-rtti -w -fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 "
      "--param asan-stack=0 --param asan-globals=1 -fsanitize=alignment -fno-sanitize-recover=alignment";
  std::string everything = cxx + flags + RECIPE + table_of_kernels("") + source.text + read_file(home + "/device/shim.h") +
                           read_file(home + "/device/instance.h") + read_file(home + "/device/hooks.cpp");
  for (const auto& [name, text] : source.headers) everything += name + text;
  for (const std::string& option : source.options) everything += option;
  std::string key = format("%016llx%016llx", static_cast<unsigned long long>(hash(everything, 0)),
                           static_cast<unsigned long long>(hash(everything, 77)));
  std::string built = cache_folder() + "/" + key + ".so";
  if (access(built.c_str(), R_OK) == 0) return Result{read_file(built), "", true};

  static std::atomic<int> number{0};
  std::string folder = cache_folder() + "/build-" + std::to_string(getpid()) + "-" + std::to_string(number++);
  mkdir(folder.c_str(), 0700);
  write_file(folder + "/kernel.cu", source.text);
  // Internal linkage: a __shared__ array inside of a template would else be no variable of its own.
  write_file(folder + "/whole.cu", "namespace {\n#include \"kernel.cu\"\n}\n");
  for (const auto& [name, text] : source.headers) write_file(folder + "/" + name, text);
  std::string defines;
  for (const std::string& option : source.options) {
    if (option.rfind("-D", 0) == 0) defines += " " + quoted(option);
  }
  std::string log = folder + "/log";
  std::string include = " -I" + quoted(home + "/device") + " -I" + quoted(folder);
  int status = run("cd " + quoted(folder) + " && " + cxx + " -x c++ -std=c++17 -E -DNACRE_SIM_SCAN -w" + defines +
                   include + " -include shim.h whole.cu -o scanned.cpp > " + quoted(log) + " 2>&1");
  if (status == 0) {
    std::string scanned = read_file(folder + "/scanned.cpp");
    write_file(folder + "/scanned.cpp", scanned + table_of_kernels(scanned));
    status = run("cd " + quoted(folder) + " && " + cxx + " " + flags + include +
                 " '-D__global__=__attribute__((visibility(\"hidden\")))' '-D__launch_bounds__(...)='" +
                 " -shared -Wl,-Bsymbolic -o built.so scanned.cpp " + quoted(home + "/hooks.o") + " > " + quoted(log) +
                 " 2>&1");
  }
  Result result{"", read_file(log), status == 0};
  if (status == 0) {
    result.code = read_file(folder + "/built.so");
    std::rename((folder + "/built.so").c_str(), built.c_str());
  } else if (result.log.empty()) {
    result.log = cxx + " could not be run";
  }
  run("rm -rf " + quoted(folder));
  return result;
}

}  // namespace sim::compiler

// ---- the interface of NVRTC

using namespace sim;

struct Program {
  compiler::Source source;
  std::string log, image;
};

namespace {
enum { NVRTC_SUCCESS = 0, NVRTC_ERROR_INVALID_INPUT = 3, NVRTC_ERROR_INVALID_PROGRAM = 4,
       NVRTC_ERROR_INVALID_OPTION = 5, NVRTC_ERROR_COMPILATION = 6 };

bool known_option(const std::string& o) {
  static const char* known[] = {"-D", "--std=", "-std=", "-default-device", "--device-as-default-execution-space",
                                "--gpu-architecture=", "-arch=", "--fmad=", "-fmad=", "--use_fast_math",
                                "--generate-line-info", "-lineinfo", "--warning-as-error=", "-Werror", "--maxrregcount=",
                                "--minimal", "--split-compile=", "--extra-device-vectorization"};
  for (const char* k : known) {
    if (o.rfind(k, 0) == 0) return true;
  }
  return false;
}
}  // namespace

EXPORT int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return NVRTC_SUCCESS;
}

EXPORT const char* nvrtcGetErrorString(int code) {
  switch (code) {
    case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
    case NVRTC_ERROR_INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
    case NVRTC_ERROR_INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
    case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
    case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
  }
  return "NVRTC_ERROR unknown";
}

EXPORT int nvrtcGetNumSupportedArchs(int* count) {
  *count = 3;
  return NVRTC_SUCCESS;
}

EXPORT int nvrtcGetSupportedArchs(int* archs) {
  archs[0] = 80;
  archs[1] = 90;
  archs[2] = 100;
  return NVRTC_SUCCESS;
}

EXPORT int nvrtcCreateProgram(Program** out, const char* source, const char*, int count, const char* const* headers,
                              const char* const* names) {
  if (!out || !source) return NVRTC_ERROR_INVALID_INPUT;
  auto* program = new Program();
  program->source.text = source;
  for (int i = 0; i < count; i++) program->source.headers.emplace_back(names[i], headers[i]);
  *out = program;
  return NVRTC_SUCCESS;
}

EXPORT int nvrtcDestroyProgram(Program** program) {
  if (!program || !*program) return NVRTC_ERROR_INVALID_PROGRAM;
  delete *program;
  *program = nullptr;
  return NVRTC_SUCCESS;
}

EXPORT int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  int architecture = 75;
  program->source.options.clear();
  for (int i = 0; i < count; i++) {
    std::string o = options[i];
    if (!known_option(o)) {
      program->log = "nvrtc: error: unrecognized option " + o + " found";
      return NVRTC_ERROR_INVALID_OPTION;
    }
    size_t at = o.find("sm_");
    if (at == std::string::npos) at = o.find("compute_") == std::string::npos ? at : o.find("compute_") + 5;
    if (at != std::string::npos) architecture = std::atoi(o.c_str() + at + 3);
    program->source.options.push_back(o);
  }
  note("NVRTC compiles a program");
  compiler::Result result = compiler::compile(program->source);
  program->log = result.log;
  if (!result.good) return NVRTC_ERROR_COMPILATION;
  compiler::ImageHeader header{};
  std::memcpy(header.magic, compiler::MAGIC, sizeof header.magic);
  header.architecture = architecture;
  header.bytes = result.code.size();
  program->image.assign(reinterpret_cast<const char*>(&header), sizeof header);
  program->image += result.code;
  return NVRTC_SUCCESS;
}

EXPORT int nvrtcGetProgramLogSize(Program* program, size_t* bytes) {
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  *bytes = program->log.size() + 1;
  return NVRTC_SUCCESS;
}
EXPORT int nvrtcGetProgramLog(Program* program, char* log) {
  if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
  std::memcpy(log, program->log.c_str(), program->log.size() + 1);
  return NVRTC_SUCCESS;
}

EXPORT int nvrtcGetCUBINSize(Program* program, size_t* bytes) {
  if (!program || program->image.empty()) return NVRTC_ERROR_INVALID_PROGRAM;
  *bytes = program->image.size();
  return NVRTC_SUCCESS;
}
EXPORT int nvrtcGetCUBIN(Program* program, char* image) {
  if (!program || program->image.empty()) return NVRTC_ERROR_INVALID_PROGRAM;
  std::memcpy(image, program->image.data(), program->image.size());
  return NVRTC_SUCCESS;
}
EXPORT int nvrtcGetPTXSize(Program* program, size_t* bytes) { return nvrtcGetCUBINSize(program, bytes); }
EXPORT int nvrtcGetPTX(Program* program, char* image) { return nvrtcGetCUBIN(program, image); }
