"""Writes what prompts are encoded to, for the tests of `diffusion` and of `sample`: weights and chunks
in the syntax of AUTOMATIC1111's stable-diffusion-webui, clip skip and textual inversion of diffusers.

`python tools/lab/reference/export_prompt_encodings.py`, after export_tiny_sd.py, whose text encoder
and tokenizer it uses. The webui's algorithm is written anew here, from its description: attention as
its "Original" emphasis (a chunk's mean is restored), chunks of 75 tokens, broken after a comma among
the last 20.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, PNDMScheduler, StableDiffusionPipeline
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

ROOT = Path(__file__).resolve().parents[3]
TINY = ROOT / "tools/cli/src/test/resources/tiny-sd"
FOLDER = ROOT / "diffusion/src/test/resources/prompts"
ROOM, BACKTRACK = 75, 20

LONG = "a painting of a fox in the forest, watercolor, soft colors, (golden light:1.3), clouds and rain, a wooden table next to a window, "

WEIGHTED = [
    "a red fox",
    "",
    " ",
    "a (red) fox",
    "a ((red)) fox",
    "a (((red fox)))",
    "a (red:1.5) fox (in the forest:0.4)",
    "a [red] fox [[in the]] forest",
    "a (painting of (a fox:1.4) and [a cat]), (studio lighting",
    "(a cat:0)",
    "a dog (window:-0.5)",
    "smile \\(fox\\), \\[cat\\] and a back\\\\slash (x\\)y:1.2)",
    "a fox) on ] a table (:1.3) (cat: 1.25 )",
    "cat BREAK dog",
    "BREAK a cat BREAK BREAK (a dog:1.2) BREAK",
    "(a red BREAK fox:1) BREAKS unBREAK",
    "# a comment\na fox, # and another\n(rain:1.1)",
    "a: cat: (dog:house) (sea:1.2:1.3)",
    LONG * 2,
    LONG * 4 + "BREAK " + LONG,
    "a fox " * 60,
    "fox " * 75,
    "fox " * 76,
    "fox, " * 80,
    "fox " * 54 + ", " + "cat " * 40,
    "fox " * 55 + ", " + "cat " * 40,
    "fox " * 74 + ", " + "cat " * 3,
    "fox " * 75 + ", " + "cat " * 80,
    "(red:1.05) " * 90,
    "a painting of <two>, <one>s and Style",
    LONG + "a cat and a dog, sitting on the sea at sunset, waves, sharp focus, of style, <two>, <two>, (<two>:1.3) <two> <one>",
    "fox " * 74 + "<two> cat",
    "fox " * 70 + ", cat cat cat <two> cat",
]

PLAIN = [
    "a painting of <one> in the forest",
    "<two> and <one>, <two>s",
    "a <TWO> <One> cat, style",
    "in the STYLE of style,style",
    "a red fox " * 24 + "<two> cat",
    "<two>_1 alone",
]


def pieces(prompt: str) -> list[list]:
    """Text and weight of each run; None for the text of a BREAK."""
    lines = [line.split("#")[0] for line in prompt.split("\n")]
    text = "\n".join(lines)
    runs: list[list] = []
    open_brackets: list[tuple[str, int]] = []

    def close(kind: str, factor: float) -> bool:
        for i in range(len(open_brackets) - 1, -1, -1):
            if open_brackets[i][0] == kind:
                start = open_brackets.pop(i)[1]
                for run in runs[start:]:
                    run[1] *= factor
                return True
        return False

    def literal(s: str) -> None:
        while s:
            at, end = find_break(s)
            runs.append([s[:at], 1.0])
            if at == end:
                return
            runs.append([None, 1.0])
            s = s[end:]
            if not s:
                runs.append(["", 1.0])

    i = 0
    while i < len(text):
        c = text[i]
        if c == "\\":
            escaped = text[i + 1 : i + 2] if text[i + 1 : i + 2] in tuple("()[]\\") else ""
            runs.append([escaped, 1.0])
            i += 1 + len(escaped)
        elif c in "([":
            open_brackets.append((c, len(runs)))
            i += 1
        elif c == ")":
            if not close("(", 1.1):
                literal(c)
            i += 1
        elif c == "]":
            if not close("[", 1 / 1.1):
                literal(c)
            i += 1
        elif c == ":":
            end = text.find(")", i)
            number = text[i + 1 : end].strip() if end > 0 else ""
            if number and all(n in "+-.0123456789" for n in number):
                if not close("(", float(number)):
                    literal(text[i : end + 1])
                i = end + 1
            else:
                literal(c)
                i += 1
        else:
            end = i
            while end < len(text) and text[end] not in "\\()[]:":
                end += 1
            literal(text[i:end])
            i = end
    for kind, factor in (("(", 1.1), ("[", 1 / 1.1)):  # in this order, since products are rounded
        for start in [start for other, start in open_brackets if other == kind]:
            for run in runs[start:]:
                run[1] *= factor
    merged: list[list] = []
    for run in runs:
        if merged and run[0] is not None and merged[-1][0] is not None and merged[-1][1] == run[1]:
            merged[-1][0] += run[0]
        else:
            merged.append(list(run))
    return merged


def find_break(s: str) -> tuple[int, int]:
    """Begin and end of the first BREAK with the spaces around it; twice the end of the text if none."""
    at = s.find("BREAK")
    while at >= 0:
        before, after = s[:at], s[at + 5 :]
        if not (before and (before[-1].isalnum() or before[-1] == "_")):
            if not (after and (after[0].isalnum() or after[0] == "_")):
                return len(before.rstrip()), len(s) - len(after.lstrip())
        at = s.find("BREAK", at + 5)
    return len(s), len(s)


def syntax(count: int) -> list[dict]:
    """Signs thrown together, and what they mean."""
    dice = random.Random(5)
    signs = ["(", ")", "[", "]", "\\", "\\(", "\\]", "\\\\", ":", ":1.2)", ": 0.5 )", ":-1.5)", ":.7)", "a", "fox "]
    signs += [" BREAK ", "BREAK", "cat, ", " ", "é", "xBREAK", "(a:1.3)", "[b]"]
    lines: list[dict] = []
    while len(lines) < count:
        prompt = "".join(dice.choices(signs, k=dice.randint(1, 14)))
        runs = pieces(prompt)
        if all(text is not None or weight == 1 for text, weight in runs):  # else Nacre refuses it
            lines.append({"prompt": prompt, "runs": runs})
    return lines


def chunks(tokenizer: CLIPTokenizer, prompt: str, words: dict[str, torch.Tensor]) -> list[list]:
    """Lists of (id or vector, weight), at most ROOM each."""
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    names = {tuple(tokenizer(name, add_special_tokens=False).input_ids): rows for name, rows in words.items()}
    done: list[list] = []
    now: list = []
    last_comma = None
    for text, weight in pieces(prompt):
        if text is None:
            done.append(now)
            now, last_comma = [], None
            continue
        ids = tokenizer(text, add_special_tokens=False).input_ids
        i = 0
        while i < len(ids):
            if ids[i] == comma:
                last_comma = len(now)
            elif len(now) == ROOM and last_comma is not None and ROOM - last_comma <= BACKTRACK:
                done.append(now[: last_comma + 1])
                now, last_comma = now[last_comma + 1 :], None
            if len(now) == ROOM:
                done.append(now)
                now, last_comma = [], None
            found = [n for n in names if tuple(ids[i : i + len(n)]) == n]
            if not found:
                now.append((ids[i], weight))
                i += 1
                continue
            name = max(found, key=len)
            if len(now) + len(names[name]) > ROOM:
                done.append(now)
                now, last_comma = [], None
            now += [(row, weight) for row in names[name]]
            i += len(name)
    if now or not done:
        done.append(now)
    return done


def webui(tokenizer, model, prompt: str, skip: int, words: dict[str, torch.Tensor]) -> torch.Tensor:
    encoded = []
    for chunk in chunks(tokenizer, prompt, words):
        ids, weights, vectors = [tokenizer.bos_token_id], [1.0], {}
        for token, weight in chunk:
            if isinstance(token, torch.Tensor):
                vectors[len(ids)] = token
                token = 0
            ids.append(token)
            weights.append(weight)
        ids += [tokenizer.eos_token_id] + [tokenizer.pad_token_id] * (ROOM + 1 - len(ids))
        weights += [1.0] * (ROOM + 2 - len(weights))

        def place(_module, _inputs, output, vectors=vectors):
            output = output.clone()
            for at, vector in vectors.items():
                output[0, at] = vector
            return output

        hook = model.get_input_embeddings().register_forward_hook(place)
        z = encode(model, torch.tensor([ids]), skip)
        hook.remove()
        mean = z.mean()
        z = z * torch.tensor(weights)[None, :, None]
        encoded.append(z * (mean / z.mean()))
    return torch.cat(encoded, dim=1)


def encode(model, ids: torch.Tensor, skip: int) -> torch.Tensor:
    if skip == 0:
        return model(ids).last_hidden_state
    return model.text_model.final_layer_norm(model(ids, output_hidden_states=True).hidden_states[-(skip + 1)])


def embeddings(folder: Path, width: int) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(31)
    one, two, style = (20 * torch.randn(n, width, generator=g) / width**0.5 for n in (1, 3, 2))
    save_file({"<one>": one[0].clone()}, folder / "learned_embeds.safetensors")
    save_file({"<two>": two.half()}, folder / "two.safetensors")
    save_file({"emb_params": style}, folder / "style.safetensors")
    save_file({"<one>": torch.randn(1024, generator=g)}, folder / "wide.safetensors")
    save_file({"clip_l": torch.zeros(2, 4), "clip_g": torch.zeros(2, 5)}, folder / "xl.safetensors")
    return {"<one>": one, "<two>": two.half().float(), "style": style}


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    if not hasattr(CLIPTextModel, "text_model"):  # diffusers looks below it, transformers 5 has nothing there
        CLIPTextModel.text_model = property(lambda self: self)
    FOLDER.mkdir(parents=True, exist_ok=True)
    tokenizer = CLIPTokenizer.from_pretrained(TINY / "model/tokenizer")
    model = CLIPTextModel.from_pretrained(TINY / "model/text_encoder", dtype=torch.float32).eval()
    words = embeddings(FOLDER, model.config.hidden_size)
    cases, tensors = [], {}

    def add(syntax: str, prompt: str, skip: int, negative: bool, encoded: torch.Tensor) -> None:
        tensors[f"encoding.{len(cases)}"] = encoded.clone()
        cases.append({"syntax": syntax, "prompt": prompt, "clip_skip": skip, "negative": negative})

    for i, prompt in enumerate(WEIGHTED):
        skip = 1 if i % 7 == 3 else 0
        add("a1111", prompt, skip, i % 2 == 1, webui(tokenizer, model, prompt, skip, words))

    pipeline = StableDiffusionPipeline.from_pretrained(
        TINY / "model", torch_dtype=torch.float32, safety_checker=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    for skip in (None, 0, 1, 2):
        prompt, negative = pipeline.encode_prompt("a red fox", "cpu", 1, True, "blurry, low", clip_skip=skip)
        add("plain", "a red fox", skip or 0, False, prompt)
        add("plain", "blurry, low", skip or 0, True, negative)
    pipeline.load_textual_inversion(str(FOLDER / "learned_embeds.safetensors"))
    pipeline.load_textual_inversion(str(FOLDER / "two.safetensors"))
    pipeline.load_textual_inversion(str(FOLDER / "style.safetensors"), token="style")
    for i, prompt in enumerate(PLAIN):
        add("plain", prompt, i % 2, False, pipeline.encode_prompt(prompt, "cpu", 1, False, clip_skip=i % 2 or None)[0])
    save_file(tensors, FOLDER / "encodings.safetensors")
    lines = ",\n".join(json.dumps(line) for line in syntax(300))
    (FOLDER / "syntax.json").write_text(f"[\n{lines}\n]\n")
    (FOLDER / "cases.json").write_text(json.dumps(cases, indent=0) + "\n")
    pictures(pipeline)
    webui_picture(pipeline, tokenizer, words)
    print(len(cases), "prompts")


def pictures(pipeline: StableDiffusionPipeline) -> None:
    """What diffusers draws with embeddings and a clip skip."""
    pipeline.scheduler = PNDMScheduler.from_pretrained(TINY / "model/scheduler")
    for name, skip in (("embedding", None), ("embedding-skip", 1)):
        image = pipeline(
            "a painting of <two> and <one>, style",
            negative_prompt="blurry <one>",
            num_inference_steps=4,
            guidance_scale=5,
            width=48,
            height=32,
            clip_skip=skip,
            generator=torch.Generator().manual_seed(8),
        ).images[0]
        image.save(TINY / "epsilon" / f"{name}.png", optimize=True)
        print(name, np.asarray(image).mean())


def webui_picture(pipeline: StableDiffusionPipeline, tokenizer, words: dict[str, torch.Tensor]) -> None:
    """Prompts of two chunks and of one, each attended to by itself; DDIM as in diffusers."""
    scheduler = DDIMScheduler.from_pretrained(TINY / "model/scheduler")
    scheduler.set_timesteps(4)
    model, unet, vae = pipeline.text_encoder, pipeline.unet, pipeline.vae
    towards = webui(tokenizer, model, "(masterpiece:1.2), a fox BREAK [<two>] in the forest", 1, words)
    away = webui(tokenizer, model, "(blurry), low quality", 1, words)
    latents = torch.randn(1, 4, 4, 6, generator=torch.Generator().manual_seed(8))
    for t in scheduler.timesteps:
        no, yes = (unet(latents, t, encoder_hidden_states=context).sample for context in (away, towards))
        latents = scheduler.step(no + 5 * (yes - no), t, latents).prev_sample
    decoded = vae.decode(latents / vae.config.scaling_factor).sample
    image = pipeline.image_processor.postprocess(decoded)[0]
    image.save(TINY / "epsilon/webui.png", optimize=True)
    print("webui", np.asarray(image).mean())


if __name__ == "__main__":
    main()
