package nacre.weights;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.weights.PickleValue.Name;

/**
 * The closed list of names that a pickle may have, and what each means here. None is ever looked up
 * in any Python, nor does it name a class of Java: it chooses a role in {@link PickleObjects}.
 */
final class PickleNames {
  /** What a name stands for. */
  enum Role {
    /** A class of dictionaries, made empty or from pairs. */
    DICTIONARY,
    /** A tuple of extents, made from a list or tuple. */
    SIZE,
    /** The type of a storage. */
    STORAGE,
    /** An element type. */
    DTYPE,
    /** A tensor, or one whose first argument is. */
    TENSOR_V1,
    TENSOR_V2,
    TENSOR_V3,
    PARAMETER,
    /** A tensor made by another of these. */
    FROM_TYPE,
    /** The class of tensors, which is only ever an argument. */
    TENSOR_CLASS,
    /** A class or function whose results are placeholders. */
    PLACEHOLDER
  }

  private static final Map<String, Name> NAMES = new HashMap<>();
  private static final Map<String, String> REFUSED = new HashMap<>();

  /** Modules of Python 2 that have other names in Python 3. */
  private static final Map<String, String> MODULES =
      Map.of(
          "__builtin__", "builtins",
          "copy_reg", "copyreg",
          "UserDict", "collections",
          "UserList", "collections");

  static {
    put(Role.DICTIONARY, "collections.OrderedDict", "collections.defaultdict");
    put(Role.DICTIONARY, "collections.Counter", "builtins.dict");
    put(Role.SIZE, "torch.Size");
    put(Role.TENSOR_V1, "torch._utils._rebuild_tensor");
    put(Role.TENSOR_V2, "torch._utils._rebuild_tensor_v2");
    put(Role.TENSOR_V3, "torch._utils._rebuild_tensor_v3");
    put(Role.PARAMETER, "torch._utils._rebuild_parameter");
    put(Role.PARAMETER, "torch._utils._rebuild_parameter_with_state");
    put(Role.PARAMETER, "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer");
    put(Role.FROM_TYPE, "torch._tensor._rebuild_from_type_v2");
    put(Role.TENSOR_CLASS, "torch.Tensor", "torch._tensor.Tensor");
    types(
        Map.ofEntries(
            Map.entry("Double", StoredType.F64),
            Map.entry("Float", StoredType.F32),
            Map.entry("Half", StoredType.F16),
            Map.entry("BFloat16", StoredType.BF16),
            Map.entry("Long", StoredType.I64),
            Map.entry("Int", StoredType.I32),
            Map.entry("Short", StoredType.I16),
            Map.entry("Char", StoredType.I8),
            Map.entry("Byte", StoredType.U8),
            Map.entry("Bool", StoredType.BOOL)),
        Map.ofEntries(
            Map.entry("float64", StoredType.F64),
            Map.entry("float32", StoredType.F32),
            Map.entry("float16", StoredType.F16),
            Map.entry("bfloat16", StoredType.BF16),
            Map.entry("int64", StoredType.I64),
            Map.entry("int32", StoredType.I32),
            Map.entry("int16", StoredType.I16),
            Map.entry("int8", StoredType.I8),
            Map.entry("uint8", StoredType.U8),
            Map.entry("uint16", StoredType.U16),
            Map.entry("uint32", StoredType.U32),
            Map.entry("uint64", StoredType.U64),
            Map.entry("bool", StoredType.BOOL),
            Map.entry("float8_e4m3fn", StoredType.F8_E4M3),
            Map.entry("float8_e5m2", StoredType.F8_E5M2),
            Map.entry("float8_e8m0fnu", StoredType.F8_E8M0)));
    HarmlessNames.ALL.forEach(name -> put(Role.PLACEHOLDER, name));
    refuse(
        "complex numbers are not read: save the real and the imaginary part",
        List.of(
            "torch.ComplexFloatStorage",
            "torch.ComplexDoubleStorage",
            "torch.complex32",
            "torch.complex64",
            "torch.complex128"));
    refuse(
        "quantized tensors are not read: save them dequantized",
        List.of(
            "torch._utils._rebuild_qtensor",
            "torch.QInt8Storage",
            "torch.QUInt8Storage",
            "torch.QInt32Storage",
            "torch.QUInt4x2Storage",
            "torch.QUInt2x4Storage"));
    refuse(
        "sparse tensors are not read: save tensor.to_dense()",
        List.of("torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor"));
    refuse(
        "nested tensors are not read: save their parts",
        List.of("torch._utils._rebuild_nested_tensor"));
    refuse(
        "tensors without content are not read: save them from the CPU",
        List.of(
            "torch._utils._rebuild_meta_tensor_no_storage",
            "torch._utils._rebuild_wrapper_subclass"));
    refuse(
        "tensors of other devices in this form are not read: save tensor.cpu()",
        List.of(
            "torch._utils._rebuild_device_tensor_from_numpy",
            "torch._utils._rebuild_device_tensor_from_cpu_tensor",
            "torch._utils._rebuild_xla_tensor"));
    refuse(
        "8-bit numbers of this kind are not read: save tensor.float()",
        List.of("torch.float8_e4m3fnuz", "torch.float8_e5m2fnuz", "torch.float4_e2m1fn_x2"));
  }

  private PickleNames() {}

  private static void put(Role role, String... names) {
    for (String name : names) {
      NAMES.put(name, new Name(name, role, null));
    }
  }

  private static void types(Map<String, StoredType> storages, Map<String, StoredType> dtypes) {
    storages.forEach(
        (name, type) -> {
          for (String module : List.of("torch.", "torch.cuda.", "torch.storage.")) {
            String path = module + name + "Storage";
            NAMES.put(path, new Name(path, Role.STORAGE, type));
          }
        });
    for (String path : List.of("torch.UntypedStorage", "torch.storage.UntypedStorage")) {
      NAMES.put(path, new Name(path, Role.STORAGE, null));
    }
    dtypes.forEach(
        (name, type) -> NAMES.put("torch." + name, new Name("torch." + name, Role.DTYPE, type)));
  }

  private static void refuse(String reason, List<String> names) {
    names.forEach(name -> REFUSED.put(name, reason));
  }

  /** A name as a pickle has it, in Python 3. */
  static String path(String module, String name) {
    return MODULES.getOrDefault(module, module) + "." + name;
  }

  /** The name of that path; empty if it is not in the list. */
  static Optional<Name> find(String module, String name) {
    // "torch" and "_utils.x" would be "torch._utils" and "x" by another way.
    return name.indexOf('.') >= 0
        ? Optional.empty()
        : Optional.ofNullable(NAMES.get(path(module, name)));
  }

  /** Why a name is not read, and what to do. */
  static String reason(String path) {
    String known = REFUSED.get(path);
    if (known != null) {
      return known;
    }
    if (path.startsWith("__torch__.") || path.startsWith("torch.jit.")) {
      return "programs of TorchScript are not read: save the module's state_dict()";
    }
    if (path.startsWith("torch.nn.") || path.startsWith("torch.optim.")) {
      return "whole modules are not read: save the module's state_dict()";
    }
    return "only tensors and dictionaries are read, and nothing is run: save a state_dict() alone,"
        + " or take the model's .safetensors";
  }
}
