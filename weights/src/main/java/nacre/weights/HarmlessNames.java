package nacre.weights;

import java.util.Set;

/**
 * The names beside tensors and dictionaries that real training checkpoints have: states of
 * callbacks, arguments and configurations, numbers of NumPy. Their objects become placeholders, of
 * which only tensors that were put into them are read.
 */
final class HarmlessNames {
  static final Set<String> ALL =
      Set.of(
          // Python
          "_codecs.encode",
          "argparse.Namespace",
          "builtins.bool",
          "builtins.bytearray",
          "builtins.bytes",
          "builtins.complex",
          "builtins.float",
          "builtins.frozenset",
          "builtins.int",
          "builtins.list",
          "builtins.object",
          "builtins.set",
          "builtins.slice",
          "builtins.str",
          "builtins.tuple",
          "collections.IterableUserDict", // UserDict as Python 2 has it, and protocol 2
          "collections.UserDict",
          "collections.UserList",
          "collections.deque",
          "datetime.date",
          "datetime.datetime",
          "datetime.timedelta",
          "decimal.Decimal",
          "fractions.Fraction",
          "pathlib.Path",
          "pathlib.PosixPath",
          "pathlib.PurePosixPath",
          "pathlib.PureWindowsPath",
          "pathlib.WindowsPath",
          "types.SimpleNamespace",
          "typing.Any",
          "typing.Dict",
          "typing.List",
          "typing.Tuple",
          "typing.Union",
          "uuid.UUID",
          // NumPy
          "numpy._core.multiarray._reconstruct",
          "numpy._core.multiarray.scalar",
          "numpy.bool_",
          "numpy.core.multiarray._reconstruct",
          "numpy.core.multiarray.scalar",
          "numpy.dtype",
          "numpy.dtypes.Float32DType",
          "numpy.dtypes.Float64DType",
          "numpy.dtypes.Int64DType",
          "numpy.float32",
          "numpy.float64",
          "numpy.int64",
          "numpy.ndarray",
          // PyTorch
          "torch.channels_last",
          "torch.contiguous_format",
          "torch.device",
          "torch.nn.modules.container.ParameterDict",
          "torch.per_tensor_affine",
          "torch.preserve_format",
          "torch.serialization._get_layout",
          "torch.strided",
          "torch.torch_version.TorchVersion",
          // PyTorch Lightning, by its three names
          "lightning.fabric.utilities.data.AttributeDict",
          "lightning.pytorch.callbacks.early_stopping.EarlyStopping",
          "lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint",
          "lightning.pytorch.trainer.states.RunningStage",
          "lightning.pytorch.trainer.states.TrainerFn",
          "lightning.pytorch.trainer.states.TrainerStatus",
          "lightning.pytorch.utilities.parsing.AttributeDict",
          "lightning_fabric.utilities.data.AttributeDict",
          "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
          "pytorch_lightning.callbacks.lr_monitor.LearningRateMonitor",
          "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
          "pytorch_lightning.callbacks.progress.ProgressBar",
          "pytorch_lightning.callbacks.timer.Timer",
          "pytorch_lightning.trainer.states.RunningStage",
          "pytorch_lightning.trainer.states.TrainerFn",
          "pytorch_lightning.trainer.states.TrainerStatus",
          "pytorch_lightning.utilities.parsing.AttributeDict",
          // OmegaConf
          "omegaconf.base.Box",
          "omegaconf.base.ContainerMetadata",
          "omegaconf.base.Metadata",
          "omegaconf.dictconfig.DictConfig",
          "omegaconf.listconfig.ListConfig",
          "omegaconf.nodes.AnyNode",
          "omegaconf.nodes.BooleanNode",
          "omegaconf.nodes.FloatNode",
          "omegaconf.nodes.IntegerNode",
          "omegaconf.nodes.StringNode");

  private HarmlessNames() {}
}
