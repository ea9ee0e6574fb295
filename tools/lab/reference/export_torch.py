"""Writes the files of PyTorch that the restricted reader's tests read, by PyTorch itself.

`python tools/lab/reference/export_torch.py`: `torch/` in the test resources of `weights`, where
`expected.safetensors` holds what `torch.load` gives back; in those of `nn` DINO's weights under the
names of its authors, and in those of `tools/cli` parts of the tiny Stable Diffusion. Files of the
format before PyTorch 1.6 name storages by their addresses and are never the same twice.
"""

from __future__ import annotations

import argparse
import sys
import types
from collections import OrderedDict, UserDict, UserList, defaultdict, deque
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import ViTConfig, ViTModel

from bundle import perturb

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "weights/src/test/resources/torch"
ENCODERS = ROOT / "nn/src/test/resources/encoders"
TINY = ROOT / "tools/cli/src/test/resources/tiny-sd"

# Names of a ViTModel of transformers 5 in memory, and those of DINO's authors.
DINO_NAMES = {
    "layers.": "blocks.",
    "attention.q_proj": "attn.qkv",
    "attention.o_proj": "attn.proj",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "layernorm": "norm",
}

TYPES = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
    "f8_e4m3": torch.float8_e4m3fn,
    "f8_e5m2": torch.float8_e5m2,
    "f8_e8m0": torch.float8_e8m0fnu,
    "u16": torch.uint16,
    "u32": torch.uint32,
    "u64": torch.uint64,
}


class Tagged(nn.Parameter):
    """A parameter with an attribute, which is saved with a state."""


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    result = {}
    for name, dtype in TYPES.items():
        width = torch.empty(0, dtype=dtype).element_size()
        raw = torch.randint(0, 256, (6 * width,), generator=generator).to(torch.uint8)
        if dtype == torch.bool:
            raw = raw & 1
        result["type." + name] = raw.view(dtype).reshape(2, 3)
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5) / 7
    result["base"] = base
    result["transposed"] = base.permute(2, 0, 1)
    result["every second"] = base[:, ::2, 1:4]
    result["from within"] = base[1]
    result["expanded"] = torch.tensor([[1.5], [2.5]]).expand(2, 4)
    result["half transposed"] = torch.arange(12, dtype=torch.float16).reshape(3, 4).t()
    result["bytes transposed"] = torch.arange(12, dtype=torch.uint8).reshape(3, 4).t()
    result["double transposed"] = torch.arange(12, dtype=torch.float64).reshape(3, 4).t()
    result["channels last"] = torch.arange(48.0).reshape(2, 3, 4, 2).to(
        memory_format=torch.channels_last
    )
    result["one by one"] = torch.arange(6.0).reshape(2, 3, 1, 1).to(
        memory_format=torch.channels_last
    )
    result["scalar"] = torch.tensor(42.5)
    result["scalar from within"] = base[2, 3, 4]
    result["nothing"] = torch.zeros(0, 3)
    result["nothing transposed"] = torch.zeros(0, 3).t()
    result["nothing from within"] = base[3:]
    result["parameter"] = nn.Parameter(torch.ones(2, 2))
    tagged = nn.Parameter(torch.full((3,), 0.25))
    tagged.tag = "of a parameter"
    result["parameter with state"] = tagged
    plain = torch.full((2,), -0.5)
    plain.tag = "of a tensor"
    result["tensor with state"] = plain
    result["buffer"] = nn.Buffer(torch.full((2,), 3.0))
    tied = torch.randn(4, 4, generator=generator)
    result["tied.a"] = tied
    result["tied.b"] = tied
    result['odd "name" \\ ✓'] = torch.tensor([1.0])
    return result


def plain(value: torch.Tensor) -> torch.Tensor:
    return value.detach().clone(memory_format=torch.contiguous_format)


def bits(value: torch.Tensor) -> bytes:
    return bytes(plain(value).untyped_storage())


def swapped(source: Path, target: Path) -> None:
    """The file as a big-endian machine writes it: every storage with its elements' bytes turned."""
    loaded = torch.load(source, weights_only=True)
    reader = torch._C.PyTorchFileReader(str(source))
    by_bytes = {}
    for tensor in loaded.values():
        storage = tensor.untyped_storage()
        by_bytes.setdefault(bytes(storage), tensor.element_size())
    writer = torch._C.PyTorchFileWriter(str(target))
    for name in reader.get_all_records():
        data = reader.get_record(name)
        if name == "byteorder":
            data = b"big"
        elif name.startswith("data/"):
            width = by_bytes[data]
            data = numpy.frombuffer(data, dtype=f"<u{width}")
            data = data.byteswap().tobytes()
        elif name in ("version", ".data/serialization_id"):
            continue
        writer.write_record(name, data, len(data))
    writer.write_end_of_file()
    again = torch.load(target, weights_only=True)
    for name, tensor in loaded.items():
        assert bits(again[name]) == bits(tensor), name


def stand_in(module: str, name: str, base: type = object) -> type:
    """A class of a library that need not be installed: pickles only name it."""
    parts = module.split(".")
    for i in range(len(parts)):
        path = ".".join(parts[: i + 1])
        sys.modules.setdefault(path, types.ModuleType(path))
    made = type(name, (base,), {"__module__": module})
    setattr(sys.modules[module], name, made)
    return made


def lightning() -> dict:
    """A checkpoint of PyTorch Lightning, with what training leaves in it."""
    checkpoint = stand_in("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")
    attributes = stand_in("pytorch_lightning.utilities.parsing", "AttributeDict", dict)
    config = stand_in("omegaconf.dictconfig", "DictConfig")
    node = stand_in("omegaconf.nodes", "AnyNode")
    options = config()
    options._content = {"rate": node(), "any": node()}
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(6.0).reshape(3, 2))
        model[0].bias.copy_(torch.tensor([0.5, -0.5, 0.25]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model(torch.ones(4, 2)).square().sum().backward()
    optimizer.step()
    scores = defaultdict(list)
    scores["loss"].append(numpy.float64(0.5))
    return {
        "epoch": 3,
        "global_step": 2**40,
        "pytorch-lightning_version": "1.4.2",
        "state_dict": model.state_dict(),
        "model_ema": OrderedDict((k, v + 1) for k, v in model.state_dict().items()),
        "callbacks": {
            checkpoint: {
                "monitor": "val/loss",
                "best_model_score": torch.tensor(0.125),
                "best_k_models": {"/checkpoints/epoch=1.ckpt": numpy.float32(1.5)},
                "current_score": float("nan"),
            }
        },
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [{"base_lrs": [1e-3], "_step_count": 5, "verbose": False}],
        "hyper_parameters": attributes(width=3, path=PurePosixPath("/data")),
        "args": argparse.Namespace(lr=1e-3, device=torch.device("cpu"), names={"a", "b"}),
        "options": options,
        "scores": scores,
        "mean": numpy.array([1.0, 2.0]),
        "size": torch.Size([2, 3]),
        "dtype": torch.bfloat16,
        "nothing": None,
        "huge": 3**200,
        "raw": b"\x00\xff",
        "frozen": frozenset([1]),
        "complex": 1 + 2j,
    }


def holders() -> dict:
    """Tensors in what is no plain dictionary or list: subclasses, attributes."""
    attributes = stand_in("pytorch_lightning.utilities.parsing", "AttributeDict", dict)
    config = stand_in("omegaconf.dictconfig", "DictConfig")
    circle = config()
    circle._parent = circle  # as OmegaConf's nodes hold each other
    circle._content = {"rate": 0.5}
    return {
        "user": UserDict({"w": torch.full((1,), 1.0)}),
        "attributes": attributes(w=torch.full((2,), 2.0)),
        "space": SimpleNamespace(w=torch.full((3,), 3.0)),
        "queue": deque([torch.full((4,), 4.0)]),
        "list": UserList([torch.full((5,), 5.0)]),
        "circle": circle,
    }


def inversion() -> dict:
    """An embedding of textual inversion as its authors and the webui write it."""
    return {
        "string_to_token": {"*": 265},
        "string_to_param": nn.ParameterDict({"*": nn.Parameter(torch.arange(8.0).reshape(2, 4))}),
        "name": "fox",
        "step": 500,
        "sd_checkpoint": None,
    }


def main() -> None:
    folder = FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    values = tensors()
    torch.save(values, folder / "types.pth")
    # PyTorch itself cannot load those of untyped storages from the older format.
    old = {k: v for k, v in values.items() if v.dtype not in torch.storage._new_dtypes()}
    torch.save(old, folder / "types-legacy.pth", _use_new_zipfile_serialization=False)
    expected = {}
    for name, value in torch.load(folder / "types.pth", weights_only=True).items():
        expected[name] = plain(value)
    save_file(expected, folder / "expected.safetensors")
    legacy = torch.load(folder / "types-legacy.pth", weights_only=True)
    for name, value in legacy.items():
        assert bits(value) == bits(expected[name]), name
    # Nor does it turn their bytes.
    little = folder / "little-endian.pth"
    torch.save(old, little)
    swapped(little, folder / "big-endian.pth")
    little.unlink()

    nested = lightning()
    torch.save(nested, folder / "lightning.ckpt")
    torch.save(nested, folder / "lightning-legacy.ckpt", _use_new_zipfile_serialization=False)
    for protocol in range(6):
        small = {"model": {"w": torch.arange(3.0), "b": {"deep": torch.ones(1)}}, "step": 7}
        small["text"] = "fünf"
        small["list"] = [1, 2.5, None, True, (1, 2, 3), -70000, 2**70, b"x"]
        torch.save(small, folder / f"protocol-{protocol}.pt", pickle_protocol=protocol)
        torch.save(
            small,
            folder / f"protocol-{protocol}-legacy.pt",
            pickle_protocol=protocol,
            _use_new_zipfile_serialization=False,
        )
    torch.save(holders(), folder / "holders.pt")
    torch.save(inversion(), folder / "inversion.pt")
    torch.save({"<fox>": torch.arange(4.0)}, folder / "learned_embeds.bin")
    torch.save(torch.arange(3.0), folder / "tensor.pt")
    torch.save([torch.zeros(1), {"a": torch.ones(1)}], folder / "list.pt")

    torch.save(nn.Sequential(nn.Linear(1, 1)), folder / "module.pt")
    script = torch.jit.script(nn.Sequential(nn.Linear(1, 1)))
    torch.jit.save(script, str(folder / "script.pt"))
    torch.save({"c": torch.zeros(2, dtype=torch.complex64)}, folder / "complex.pt")
    torch.save({"c": torch.zeros(2, dtype=torch.complex32)}, folder / "complex-half.pt")
    torch.save({"s": torch.eye(3).to_sparse()}, folder / "sparse.pt")
    torch.save({"m": torch.zeros(2, device="meta")}, folder / "meta.pt")
    quantized = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    torch.save({"q": quantized}, folder / "quantized.pt")
    torch.save({"n": torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])}, folder / "nested.pt")
    torch.save({"x": torch.zeros(2).to(torch.float8_e4m3fnuz)}, folder / "fnuz.pt")


def dino() -> None:
    """DINO's weights as its authors published them: the backbone alone, and a training checkpoint."""
    folder = ENCODERS / "dino-files"
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(5)
    model = ViTModel(ViTConfig(
        hidden_size=64, num_hidden_layers=1, num_attention_heads=1, intermediate_size=32,
        image_size=8, patch_size=4, layer_norm_eps=1e-6,
    ), add_pooling_layer=False).eval()
    perturb(model, generator)
    with torch.no_grad():
        model.embeddings.position_embeddings.normal_(generator=generator)
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
        pixels = torch.randn(2, 3, 8, 8, generator=generator)
        out = model(pixels).last_hidden_state
    theirs = OrderedDict()
    for name, value in model.state_dict().items():
        name = name.removeprefix("embeddings.").replace("patch_embeddings.projection", "patch_embed.proj")
        name = name.replace("position_embeddings", "pos_embed")
        if ".k_proj." in name or ".v_proj." in name:
            continue
        if ".q_proj." in name:
            parts = [name.replace("q_proj", part) for part in ("q_proj", "k_proj", "v_proj")]
            value = torch.cat([model.state_dict()[part] for part in parts])
        for ours, facebook in DINO_NAMES.items():
            name = name.replace(ours, facebook)
        theirs[name] = value
    half = OrderedDict((k, v.half()) for k, v in theirs.items())
    torch.save(half, folder / "dino_pretrain.pth", _use_new_zipfile_serialization=False)
    other = OrderedDict(("module.backbone." + k, torch.zeros(1)) for k in half)
    teacher = OrderedDict(("backbone." + k, v) for k, v in half.items())
    teacher["head.mlp.0.weight"] = torch.zeros(2, 2)
    checkpoint = {
        "student": other,
        "teacher": teacher,
        "optimizer": {"state": {0: {"step": 5, "exp_avg": torch.zeros(2)}}, "param_groups": []},
        "epoch": 800,
        "args": argparse.Namespace(arch="vit_small", patch_size=4, lr=5e-4),
        "dino_loss": OrderedDict(center=torch.zeros(1, 2)),
    }
    torch.save(checkpoint, folder / "dino_full_checkpoint.pth")
    save_file({"pixel_values": pixels, "last_hidden_state": out}, folder / "expected.safetensors")


def tiny() -> None:
    """Parts of the tiny Stable Diffusion as older tools saved them."""
    folder = TINY / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    text = load_file(TINY / "model/text_encoder/model.safetensors")
    torch.save(text, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    torch.save(load_file(TINY / "lora/style-kohya.safetensors"), folder / "pytorch_lora_weights.bin")
    prompts = ROOT / "diffusion/src/test/resources/prompts"
    torch.save(load_file(prompts / "learned_embeds.safetensors"), folder / "learned_embeds.bin")
    (vectors,) = load_file(prompts / "style.safetensors").values()
    webui = {
        "string_to_token": {"*": 265},
        "string_to_param": {"*": nn.Parameter(vectors)},
        "name": "style",
        "step": 4,
        "sd_checkpoint": "d3adb33f",
        "sd_checkpoint_name": None,
    }
    torch.save(webui, folder / "style.pt")


if __name__ == "__main__":
    main()
    dino()
    tiny()
