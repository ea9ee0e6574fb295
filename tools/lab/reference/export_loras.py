"""Writes LoRAs for the tiny Stable Diffusion, each under several naming conventions, and the images
that diffusers samples with them.

`python tools/lab/reference/export_loras.py`, after export_tiny_sd.py; writes tools/cli/src/test/resources/tiny-sd/lora.

`style` changes attention, feed-forward and convolution layers of the UNet and the text encoder;
`form` the UNet's attention alone, in another rank. The scale alpha/rank is a power of two, so that the
conventions without alpha, where it is multiplied into the up matrix, hold the same LoRA to the bit. `peft` holds
`style` in two folders of peft's own, `style-unet` the UNet's part as diffusers saves a single model's.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from export_tiny_sd import FOLDER, PROMPT, SIZE

OUT = FOLDER / "lora"
STYLE = (
    "down_blocks.0.resnets.0.conv1",
    "down_blocks.0.downsamplers.0.conv",
    "down_blocks.1.resnets.0.conv_shortcut",
    "down_blocks.1.resnets.0.time_emb_proj",
    "mid_block.resnets.1.conv2",
    "up_blocks.1.upsamplers.0.conv",
)
TRANSFORMERS = (
    "down_blocks.0.attentions.0",
    "mid_block.attentions.0",
    "up_blocks.1.attentions.1",
)
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
# Where the original code has a module of the tiny UNet, which has one layer a level.
ORIGINAL = {
    "down_blocks.0.resnets.0.conv1": "input_blocks.1.0.in_layers.2",
    "down_blocks.0.attentions.0": "input_blocks.1.1",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0.conv_shortcut": "input_blocks.3.0.skip_connection",
    "down_blocks.1.resnets.0.time_emb_proj": "input_blocks.3.0.emb_layers.1",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1.conv2": "middle_block.2.out_layers.3",
    "up_blocks.1.attentions.1": "output_blocks.3.1",
    "up_blocks.1.upsamplers.0.conv": "output_blocks.3.2.conv",
}

CASES = [
    {"name": "style", "loras": {"style": 1.0}},
    {"name": "style-half", "loras": {"style": 0.5}},
    {"name": "style-away", "loras": {"style": -0.5}},
    {"name": "style-more", "loras": {"style": 1.5}},
    {"name": "both", "loras": {"style": 0.75, "form": -0.5}},
    {"name": "form", "loras": {"form": 1.5}},
    {"name": "text", "loras": {"text": 1.0}},
    {"name": "none", "loras": {"style": 0.0}},
]
SETTINGS = {"prompt": PROMPT, "size": list(SIZE), "scheduler": "ddim", "steps": 6, "guidance": 5, "seed": 4}


def lora(model: torch.nn.Module, names: list[str], rank: int, alpha: float, g: torch.Generator) -> dict:
    """From a layer's name to down, up and alpha, all exact in f16."""
    made = {}
    for name in names:
        weight = model.get_submodule(name).weight
        kernel = tuple(weight.shape[2:])
        down = torch.randn((rank, weight.shape[1], *kernel), generator=g) / weight[0].numel() ** 0.5
        up = torch.randn((weight.shape[0], rank, *([1] * len(kernel))), generator=g) / rank
        made[name] = (down.half(), up.half(), alpha)
    return made


def transformers(names: tuple[str, ...], parts: tuple[str, ...]) -> list[str]:
    return [f"{name}.transformer_blocks.0.{part}" for name in names for part in parts]


def original(name: str) -> str:
    for ours, theirs in ORIGINAL.items():
        if name == ours or name.startswith(ours + "."):
            return theirs + name[len(ours) :]
    raise KeyError(name)


def kohya(unet: dict, text: dict, rename=lambda name: name) -> dict[str, torch.Tensor]:
    tensors = {}
    modules = {"lora_unet_" + rename(name): factors for name, factors in unet.items()}
    modules |= {"lora_te_text_model." + name: factors for name, factors in text.items()}
    for name, (down, up, alpha) in modules.items():
        flat = name.replace(".", "_")
        tensors[f"{flat}.lora_down.weight"] = down
        tensors[f"{flat}.lora_up.weight"] = up
        tensors[f"{flat}.alpha"] = torch.tensor(alpha).half()
    return tensors


def tucker(tensors: dict[str, torch.Tensor], g: torch.Generator) -> tuple[dict, dict]:
    """A Tucker decomposition of the convolutions, as LyCORIS writes it, and the same without."""
    split, plain = dict(tensors), {}
    for key, down in tensors.items():
        if key.endswith(".lora_down.weight") and down.dim() == 4 and down.shape[2] == 3:
            name = key.removesuffix(".lora_down.weight")
            inner = torch.randn((down.shape[0], down.shape[1], 1, 1), generator=g).half()
            mid = (torch.randn((down.shape[0], down.shape[0], 3, 3), generator=g) / down[0].numel() ** 0.5).half()
            split[key], split[name + ".lora_mid.weight"] = inner, mid
            whole = torch.einsum("abhw,bi->aihw", mid.float(), inner.float()[:, :, 0, 0])
            plain[key] = whole.contiguous()
    return split, tensors | plain


def diffusers(unet: dict, text: dict, ends: tuple, text_ends: tuple, fold: bool, tower="text_model.", module=lambda n: n):
    tensors = {}
    for part, factors, (a, b) in (("unet.", unet, ends), ("text_encoder." + tower, text, text_ends)):
        for name, (down, up, alpha) in factors.items():
            place = part + (module(name) if part == "unet." else name)
            tensors[place + a] = down
            tensors[place + b] = up * (alpha / down.shape[0]) if fold else up
    return tensors


def processor(name: str) -> str:
    """Of attention alone; what diffusers wrote before it had LoRAs of other layers."""
    for part in ATTENTION:
        if name.endswith("." + part):
            return name.removesuffix(part) + "processor." + part.removesuffix(".0") + "_lora"
    return name + ".lora"


def metadata(rank: int, alpha: float, unet: list[str], text: list[str]) -> dict[str, str]:
    parts = {}
    for part, names in (("unet", unet), ("text_encoder", text)):
        parts |= {f"{part}.target_modules": names, f"{part}.r": rank, f"{part}.lora_alpha": alpha, f"{part}.rank_pattern": {}, f"{part}.alpha_pattern": {}}
    return {"format": "pt", "lora_adapter_metadata": json.dumps(parts)}


def write(pipe: StableDiffusionPipeline) -> None:
    g = torch.Generator().manual_seed(21)
    everything = ATTENTION
    names = transformers(TRANSFORMERS, tuple(f"attn{i}.{part}" for i in (1, 2) for part in everything))
    more = transformers(TRANSFORMERS[:2], ("ff.net.0.proj", "ff.net.2"))
    blocks = [f"{TRANSFORMERS[0]}.proj_in", f"{TRANSFORMERS[1]}.proj_out"]
    unet = lora(pipe.unet, [*names, *more, *blocks, *STYLE], 4, 2.0, g)
    layers = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2")
    tower = getattr(pipe.text_encoder, "text_model", pipe.text_encoder)
    text = lora(tower, [f"encoder.layers.{i}.{layer}" for i in range(2) for layer in layers], 4, 2.0, g)
    form = lora(pipe.unet, names[:8], 2, 2.0, g)

    peft = (".lora_A.weight", ".lora_B.weight")
    old = (".lora.down.weight", ".lora.up.weight")
    oldest = (".down.weight", ".up.weight")
    old_text = (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight")
    save_file(kohya(unet, text), OUT / "style-kohya.safetensors")
    save_file(kohya(unet, text, original), OUT / "style-original.safetensors")
    save_file(diffusers(unet, text, peft, peft, fold=False, tower=""), OUT / "style-peft.safetensors", metadata(4, 2.0, list(unet), list(text)))
    save_file(diffusers(unet, text, old, old_text, fold=True), OUT / "style-old.safetensors")
    save_file(diffusers(unet, text, oldest, old_text, fold=True, module=processor), OUT / "style-processor.safetensors")
    save_file(diffusers(form, {}, peft, peft, fold=True), OUT / "form.safetensors")
    save_file(kohya({}, text), OUT / "text.safetensors")
    peft_folders(pipe, unet, text)
    conv = {name: factors for name, factors in unet.items() if name in STYLE}
    split, plain = tucker(kohya(conv, {}), g)
    save_file(split, OUT / "tucker.safetensors")
    save_file(plain, OUT / "tucker-multiplied.safetensors")


def peft_folders(pipe: StableDiffusionPipeline, unet: dict, text: dict) -> None:
    """`style` as peft saves it, with alphas by layer, and as a single model of diffusers saves it."""
    for part, model, factors in (("unet", pipe.unet, unet), ("text_encoder", pipe.text_encoder, text)):
        own = {name: alpha for name, (_, _, alpha) in factors.items() if name in STYLE}
        config = LoraConfig(r=4, lora_alpha=8.0, target_modules=list(factors), alpha_pattern=own)
        wrapped = get_peft_model(copy.deepcopy(model), config)
        fill(wrapped, {k: (a, b if k in own else b * (alpha / 8.0), alpha) for k, (a, b, alpha) in factors.items()})
        wrapped.peft_config["default"].base_model_name_or_path = "tiny-sd"
        wrapped.peft_config["default"].target_modules = sorted(factors)  # a set has another order each time
        wrapped.half().save_pretrained(OUT / "peft" / part)
        (OUT / "peft" / part / "README.md").unlink()
    single = copy.deepcopy(pipe.unet)
    single.add_adapter(LoraConfig(r=4, lora_alpha=2.0, target_modules=list(unet)))
    fill(single, unet)
    single.peft_config["default"].target_modules = sorted(unet)
    single.half().save_lora_adapter(OUT, weight_name="style-unet.safetensors")


def fill(model: torch.nn.Module, factors: dict) -> None:
    for name, (down, up, _) in factors.items():
        layer = next(m for k, m in model.named_modules() if k == name or k.endswith("." + name))
        layer.lora_A["default"].weight.data.copy_(down)
        layer.lora_B["default"].weight.data.copy_(up)


def without_tower(tensors: dict) -> dict:
    """Files name the text encoder's layers as transformers did before 5.6, which later ones do not find."""
    return {k.replace("text_model.", "").replace("lora_te_text_model_", "lora_te_"): v for k, v in tensors.items()}


def draw(loras: dict[Path, float]):
    pipe = StableDiffusionPipeline.from_pretrained(FOLDER / "model", dtype=torch.float32, safety_checker=None)
    for i, (file, _) in enumerate(loras.items()):
        if "peft" in file.name or "form" in file.name:
            pipe.load_lora_weights(file.parent, weight_name=file.name, adapter_name=f"a{i}")
        else:
            pipe.load_lora_weights(without_tower(load_file(file)), adapter_name=f"a{i}", unet_config=pipe.unet.config)
    if loras:
        pipe.set_adapters([f"a{i}" for i in range(len(loras))], list(loras.values()))
    return sample(pipe)


def sample(pipe: StableDiffusionPipeline):
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    width, height = SIZE
    return pipe(
        prompt=PROMPT,
        num_inference_steps=SETTINGS["steps"],
        guidance_scale=SETTINGS["guidance"],
        generator=torch.Generator().manual_seed(SETTINGS["seed"]),
        width=width,
        height=height,
    ).images[0]


def draw_peft(single: bool):
    """With the adapters in `peft`, or with the single UNet's in place of one of them."""
    pipe = StableDiffusionPipeline.from_pretrained(FOLDER / "model", dtype=torch.float32, safety_checker=None)
    if single:
        pipe.unet.load_lora_adapter(OUT, weight_name="style-unet.safetensors", prefix=None)
    else:
        pipe.unet = PeftModel.from_pretrained(pipe.unet, OUT / "peft/unet").merge_and_unload()
    pipe.text_encoder = PeftModel.from_pretrained(pipe.text_encoder, OUT / "peft/text_encoder").merge_and_unload()
    return sample(pipe)


def difference(a, b) -> float:
    return float(np.abs(np.asarray(a).astype(float) - np.asarray(b).astype(float)).max())


def main() -> None:
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    write(StableDiffusionPipeline.from_pretrained(FOLDER / "model", dtype=torch.float32, safety_checker=None))
    plain = draw({})
    files = {"style": OUT / "style-peft.safetensors", "form": OUT / "form.safetensors", "text": OUT / "text.safetensors"}
    for case in CASES:
        image = draw({files[name]: weight for name, weight in case["loras"].items()})
        image.save(OUT / f"{case['name']}.png", optimize=True)
        print(f"{case['name']:12} differs from the picture without by {difference(image, plain):.0f}")
    whole = draw({files["style"]: 1.0})
    for naming in ("kohya", "original", "old", "processor"):
        image = draw({OUT / f"style-{naming}.safetensors": 1.0})
        print(f"{naming:12} differs from peft's naming by {difference(image, whole):.0f}")
    for single in (False, True):
        print(f"{'single UNet' if single else 'peft folder':12} differs from peft's naming by {difference(draw_peft(single), whole):.0f}")
    image = draw({OUT / "tucker-multiplied.safetensors": 1.0})
    image.save(OUT / "tucker.png", optimize=True)
    print(f"tucker       differs from the picture without by {difference(image, plain):.0f}")
    (OUT / "cases.json").write_text(json.dumps({"settings": SETTINGS, "cases": CASES}, indent=2) + "\n")


if __name__ == "__main__":
    main()
