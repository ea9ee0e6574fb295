// Modules, functions and launches.
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "blocks.h"
#include "compiler.h"
#include "errors.h"
#include "memory.h"
#include "streams.h"

using namespace sim;

namespace sim {
CUresult require_context();
}

struct sim_function {
  CUmodule module;
  int index;
  const nacre_sim::Kernel* kernel;
  int most_dynamic = 48 << 10;
};

struct sim_module {
  LoadedModule loaded{};
  std::vector<void*> libraries;
  unsigned kernel_count = 0;
  std::map<std::string, std::unique_ptr<sim_function>> functions;
};

#define LOCK std::lock_guard hold(device_lock())
#define READY \
  if (CUresult not_ready = require_context(); not_ready != CUDA_SUCCESS) return not_ready

namespace {

std::set<CUmodule>& modules() {
  static std::set<CUmodule> all;
  return all;
}
std::set<CUfunction>& functions() {
  static std::set<CUfunction> all;
  return all;
}

struct Segment {
  uintptr_t begin, end;
  bool writable;
};

// The segments of the library that holds an address; what is made read-only after loading comes last.
std::vector<Segment> segments_of(uintptr_t inside) {
  struct Search {
    uintptr_t inside;
    std::vector<Segment> found;
  } search{inside, {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto& s = *static_cast<Search*>(data);
        std::vector<Segment> segments;
        bool here = false;
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const auto& p = info->dlpi_phdr[i];
          uintptr_t begin = info->dlpi_addr + p.p_vaddr;
          if (p.p_type != PT_LOAD && p.p_type != PT_GNU_RELRO) continue;
          segments.push_back({begin, begin + p.p_memsz, p.p_type == PT_LOAD && (p.p_flags & PF_W) != 0});
          here |= s.inside >= begin && s.inside < begin + p.p_memsz;
        }
        if (here) s.found = std::move(segments);
        return here ? 1 : 0;
      },
      &search);
  return search.found;
}

// Puts the __shared__ variables of a loaded module first. The rest are constants.
void sort_variables(nacre_sim::Instance& instance) {
  std::vector<Segment> segments = segments_of(reinterpret_cast<uintptr_t>(&instance));
  auto is_shared = [&](const nacre_sim::Variable& v) {
    if (v.begin == reinterpret_cast<uintptr_t>(&instance)) return false;
    bool writable = false;
    for (const Segment& s : segments) {
      if (v.begin >= s.begin && v.begin < s.end) writable = s.writable;
    }
    return writable;
  };
  auto* end = instance.variables + instance.variable_count;
  instance.shared_count = std::stable_partition(instance.variables, end, is_shared) - instance.variables;
}

size_t shared_bytes(const nacre_sim::Instance& instance) {
  size_t sum = 0;
  for (size_t v = 0; v < instance.shared_count; v++) sum += instance.variables[v].bytes;
  return sum;
}

CUresult load(CUmodule* out, const void* image) {
  compiler::ImageHeader header;
  std::memcpy(&header, image, sizeof header);
  if (std::memcmp(header.magic, compiler::MAGIC, sizeof header.magic) != 0) {
    return fail(CUDA_ERROR_INVALID_IMAGE, "built by something else than the simulated NVRTC");
  }
  const char* asked = std::getenv("NACRE_SIM_ARCHITECTURE");
  int own = asked ? std::atoi(asked) : 90;
  if (header.architecture / 10 != own / 10 || header.architecture > own) {
    return fail(CUDA_ERROR_NO_BINARY_FOR_GPU, format("built for sm_%d, the device is sm_%d", header.architecture, own));
  }
  auto module = std::make_unique<sim_module>();
  static std::atomic<int> number{0};
  for (int worker = 0; worker < blocks::workers(); worker++) {
    // The loader knows libraries by name and file: each worker's copy needs its own.
    std::string path = compiler::cache_folder() + "/module-" + std::to_string(getpid()) + "-" +
                       std::to_string(number++) + ".so";
    std::ofstream(path, std::ios::binary)
        .write(static_cast<const char*>(image) + sizeof header, static_cast<std::streamsize>(header.bytes));
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    std::string why = library ? "" : dlerror();
    unlink(path.c_str());
    auto entry = library ? reinterpret_cast<void (*)(nacre_sim::Entry*)>(dlsym(library, "nacre_sim_entry")) : nullptr;
    if (!entry) return fail(CUDA_ERROR_INVALID_IMAGE, why);
    nacre_sim::Entry e;
    entry(&e);
    sort_variables(*e.instance);
    module->libraries.push_back(library);
    module->loaded.instances[worker] = e.instance;
    module->loaded.kernels[worker] = e.kernels;
    module->kernel_count = e.kernel_count;
  }
  *out = module.release();
  modules().insert(*out);
  return CUDA_SUCCESS;
}

CUresult bad_function(const char* what) {
  return fail(CUDA_ERROR_INVALID_HANDLE, format("%s: no such function, or its module is unloaded", what));
}

// The arguments of a launch as one packed buffer, or why not.
CUresult pack(CUfunction f, void** parameters, void** extra, std::vector<unsigned char>& packed) {
  const nacre_sim::Kernel& k = *f->kernel;
  packed.resize(k.bytes + 1);
  if (parameters && extra) return fail(CUDA_ERROR_INVALID_VALUE, "both kernelParams and extra are given");
  if (extra) {
    const void* buffer = nullptr;
    size_t size = 0;
    for (void** e = extra; *e; e += 2) {
      auto what = reinterpret_cast<uintptr_t>(e[0]);
      if (what == 1) buffer = e[1];
      else if (what == 2) size = *static_cast<size_t*>(e[1]);
      else return fail(CUDA_ERROR_INVALID_VALUE, format("%zu is no CU_LAUNCH_PARAM", static_cast<size_t>(what)));
    }
    size_t aligned = (k.bytes + 7) / 8 * 8;
    if (size != k.bytes && size != aligned) {
      return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s takes %u bytes of arguments, the launch gives %zu", k.name,
                                                   k.bytes, size));
    }
    if (k.bytes != 0) std::memcpy(packed.data(), buffer, k.bytes);
    return CUDA_SUCCESS;
  }
  for (unsigned i = 0; i < k.count; i++) {
    if (!parameters || !parameters[i]) {
      return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s takes %u arguments, the launch gives %u", k.name, k.count, i));
    }
    std::memcpy(packed.data() + k.offsets[i], parameters[i], k.sizes[i]);
  }
  if (parameters && parameters[k.count]) {
    return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s takes %u arguments, the launch gives more (or no null "
                                                 "pointer after the last, which this device wants)", k.name, k.count));
  }
  return CUDA_SUCCESS;
}

}  // namespace

EXPORT CUresult cuModuleLoadDataEx(CUmodule* out, const void* image, unsigned, int*, void**) {
  LOCK;
  READY;
  if (!out || !image) return fail(CUDA_ERROR_INVALID_VALUE, "cuModuleLoadData: null");
  return load(out, image);
}

EXPORT CUresult cuModuleLoadData(CUmodule* out, const void* image) {
  return cuModuleLoadDataEx(out, image, 0, nullptr, nullptr);
}

EXPORT CUresult cuModuleUnload(CUmodule module) {
  LOCK;
  READY;
  if (!modules().count(module)) return fail(CUDA_ERROR_INVALID_HANDLE, "cuModuleUnload: no such module");
  CUresult waited = synchronize_all();
  modules().erase(module);
  for (auto& [name, f] : module->functions) functions().erase(f.get());
  for (void* library : module->libraries) dlclose(library);
  delete module;
  return waited;
}

EXPORT CUresult cuModuleGetFunction(CUfunction* out, CUmodule module, const char* name) {
  LOCK;
  READY;
  if (!modules().count(module)) return fail(CUDA_ERROR_INVALID_HANDLE, "cuModuleGetFunction: no such module");
  auto& f = module->functions[name];
  for (unsigned i = 0; !f && i < module->kernel_count; i++) {
    const nacre_sim::Kernel& k = module->loaded.kernels[0][i];
    if (std::strcmp(k.name, name) == 0) f.reset(new sim_function{module, static_cast<int>(i), &k});
  }
  if (!f) {
    module->functions.erase(name);
    return fail(CUDA_ERROR_NOT_FOUND, format("the module has no kernel %s", name));
  }
  functions().insert(f.get());
  *out = f.get();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetParamInfo(CUfunction f, size_t index, size_t* offset, size_t* bytes) {
  LOCK;
  if (!functions().count(f)) return bad_function("cuFuncGetParamInfo");
  if (index >= f->kernel->count) {
    return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s has no argument %zu", f->kernel->name, index));
  }
  if (offset) *offset = f->kernel->offsets[index];
  if (bytes) *bytes = f->kernel->sizes[index];
  return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetAttribute(int* value, int attribute, CUfunction f) {
  LOCK;
  if (!functions().count(f)) return bad_function("cuFuncGetAttribute");
  switch (attribute) {
    case 0: *value = static_cast<int>(f->kernel->most_threads); break;
    case 1: *value = static_cast<int>(shared_bytes(*f->module->loaded.instances[0])); break;
    case 2: case 3: *value = 0; break;
    case 4: *value = 32; break;
    case 5: case 6: *value = 90; break;
    case 8: *value = f->most_dynamic; break;
    default: return fail(CUDA_ERROR_INVALID_VALUE, format("function attribute %d", attribute));
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncSetAttribute(CUfunction f, int attribute, int value) {
  LOCK;
  if (!functions().count(f)) return bad_function("cuFuncSetAttribute");
  if (attribute == 9) return CUDA_SUCCESS;  // the preferred share of shared memory
  if (attribute != 8 || value < 0 || value > 99 << 10) {
    return fail(CUDA_ERROR_INVALID_VALUE, format("function attribute %d = %d", attribute, value));
  }
  f->most_dynamic = value;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* count, CUfunction f, int threads, size_t) {
  LOCK;
  if (!functions().count(f)) return bad_function("cuOccupancyMaxActiveBlocksPerMultiprocessor");
  *count = threads > static_cast<int>(f->kernel->most_threads) ? 0 : std::max(1, 2048 / std::max(threads, 1));
  return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                               unsigned dynamic, CUstream stream, void** parameters, void** extra) {
  LOCK;
  READY;
  if (!functions().count(f)) return bad_function("cuLaunchKernel");
  const nacre_sim::Kernel& k = *f->kernel;
  uint64_t threads = uint64_t(bx) * by * bz;
  if (threads == 0 || gx == 0 || gy == 0 || gz == 0) {
    return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s: an empty grid (%u,%u,%u) or block (%u,%u,%u)", k.name, gx, gy,
                                                 gz, bx, by, bz));
  }
  if (threads > 1024 || bz > 64 || gx > 2147483647u || gy > 65535 || gz > 65535) {
    return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s: grid (%u,%u,%u) or block (%u,%u,%u) beyond the device's "
                                                 "limits", k.name, gx, gy, gz, bx, by, bz));
  }
  if (threads > k.most_threads) {
    return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s: %u threads a block, its launch bounds are %u", k.name,
                                                 static_cast<unsigned>(threads), k.most_threads));
  }
  if (dynamic > static_cast<unsigned>(f->most_dynamic)) {
    return fail(CUDA_ERROR_INVALID_VALUE, format("kernel %s: %u bytes of shared memory, allowed are %d", k.name, dynamic,
                                                 f->most_dynamic));
  }
  std::vector<unsigned char> arguments;
  if (CUresult bad = pack(f, parameters, extra, arguments); bad != CUDA_SUCCESS) return bad;
  Launch launch{&f->module->loaded, f->index, {gx, gy, gz}, {bx, by, bz}, dynamic, nullptr};
  return enqueue(stream, Work{k.name, [launch, arguments]() -> std::string {
                                Launch now = launch;
                                now.arguments = arguments.data();
                                return blocks::run(now);
                              }});
}
