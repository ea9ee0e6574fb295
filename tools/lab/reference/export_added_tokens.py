"""Writes prompts with added tokens, as textual inversion leaves them in a folder's tokenizer, and
their ids by transformers and diffusers, for the tests of `diffusion`.

`python tools/lab/reference/export_added_tokens.py [FILE]`, by default added-tokens.json in the test
resources of `diffusion`. Each case names a folder beside that file and what its JSON files are given
more: lists are appended, other values replaced.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from diffusers.loaders import TextualInversionLoaderMixin
from transformers import CLIPTokenizer

FILE = Path(__file__).resolve().parents[3] / "diffusion/src/test/resources/tokenizer/added-tokens.json"

PROMPTS = [
    "a photo of <fox-toy> in the forest",
    "<fox-toy>",
    "a<fox-toy>b <fox-toy>, <Fox-Toy> and <FOX-TOY>!",
    "a painting in the style of <gogh>",
    "<gogh><gogh> <gogh",
    "midnight, midnights, Midnight midnight's _midnight midnight2 émidnight",
    "a <|endoftext|> b<fox-toy><|startoftext|>",
    "<fox-toy> " * 80,
]


def token(content: str, **flags: bool) -> dict:
    plain = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": False}
    return {"content": content, **plain, **flags}


TOKENS = [
    token("<fox-toy>", normalized=True),
    token("<gogh>", normalized=True),
    token("<gogh>_1", normalized=True),
    token("<gogh>_2", normalized=True),
    token("midnight", single_word=True),
    token("<Unused>", normalized=True),
]


def first_free(folder: Path) -> int:
    whole = folder / "tokenizer.json"
    if whole.exists():
        return len(json.loads(whole.read_text())["model"]["vocab"])
    return len(json.loads((folder / "vocab.json").read_text()))


def cases(folders: Path) -> list[dict]:
    old = first_free(folders / "sd1")
    new = first_free(folders / "sd2-whole")
    plain = {"<fox-toy>": old, "<gogh>": old + 1, "<gogh>_1": old + 2, "<gogh>_2": old + 3, "midnight": old + 4}
    specials = {str(old - 2): token("<|startoftext|>", special=True), str(old - 1): token("<|endoftext|>", special=True)}
    decoder = {str(old + i): t for i, t in enumerate(TOKENS)}
    listed = [{"id": new + i, **t} for i, t in enumerate(TOKENS)]
    return [
        {"name": "added_tokens.json", "folder": "sd1", "files": {"added_tokens.json": plain}},
        {
            "name": "added_tokens.json and a list of special tokens",
            "folder": "sd1",
            "files": {
                "added_tokens.json": plain,
                "special_tokens_map.json": {"additional_special_tokens": ["<fox-toy>", "midnight"]},
            },
        },
        {
            "name": "added_tokens_decoder",
            "folder": "sd1",
            "files": {"tokenizer_config.json": {"added_tokens_decoder": specials | decoder}},
        },
        {
            "name": "added_tokens_decoder with the least that there may be",
            "folder": "sd1",
            "files": {
                "tokenizer_config.json": {"added_tokens_decoder": {str(old): {"content": "<Fox-Toy>"}}},
                "added_tokens.json": {"<ignored>": old + 7},
            },
        },
        {"name": "tokenizer.json", "folder": "sd2-whole", "files": {"tokenizer.json": {"added_tokens": listed}}},
    ]


def overlay(folder: Path, files: dict) -> None:
    for name, more in files.items():
        file = folder / name
        json_object = json.loads(file.read_text()) if file.exists() else {}
        for key, value in more.items():
            json_object[key] = json_object.get(key, []) + value if isinstance(value, list) else value
        file.write_text(json.dumps(json_object))


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    written = []
    for case in cases(file.parent):
        with tempfile.TemporaryDirectory() as copy:
            folder = Path(copy) / "tokenizer"
            shutil.copytree(file.parent / case["folder"], folder)
            overlay(folder, case["files"])
            tokenizer = CLIPTokenizer.from_pretrained(folder)
        lines = []
        for prompt in PROMPTS:
            spread = TextualInversionLoaderMixin().maybe_convert_prompt(prompt, tokenizer)
            ids = tokenizer(spread, padding="max_length", max_length=77, truncation=True).input_ids
            lines.append({"prompt": prompt, "ids": " ".join(map(str, ids))})
        written.append(case | {"prompts": lines})
        print(case["name"], {t: i for t, i in tokenizer.added_tokens_encoder.items()})
    file.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
