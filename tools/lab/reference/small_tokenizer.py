"""A real CLIP tokenizer of a small vocabulary: byte-pair merges learned from a few sentences, in the
files that Stable Diffusion folders have.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

START, END = "<|startoftext|>", "<|endoftext|>"

SENTENCES = """
a photo of an astronaut riding a horse on mars
a painting of a fox in the style of van gogh, highly detailed, trending on artstation
portrait of a woman with red hair, sharp focus, studio lighting, 8k
an oil painting of the sea at sunset, waves, clouds, golden light
a small house in the forest, watercolor, soft colors
blurry, low quality, bad anatomy, deformed, watermark, text
a cat and a dog sitting on a wooden table next to a window
the city at night, neon lights, rain, reflections, cinematic
it's what they've seen; we'll see what you'd say, i'm sure they're right
"""


def pipeline() -> tuple[normalizers.Normalizer, pre_tokenizers.PreTokenizer]:
    """As transformers' CLIPTokenizer has them."""
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    split = pre_tokenizers.Split(Regex(words), behavior="removed", invert=True)
    return (
        normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]),
        pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)]),
    )


def train(merges: int) -> list[tuple[str, str]]:
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = pipeline()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    size = 2 * len(alphabet) + merges
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES.strip().splitlines(), trainer)
    learned = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(pair) for pair in learned][:merges]


def write(folder: Path, pad: str = END, merges: int = 250) -> int:
    """Writes the files of a tokenizer and returns the size of its vocabulary.

    Stable Diffusion 1 pads with the end of the text, 2 with "!", which is token 0.
    """
    return write_files(folder, train(merges), pad)


def write_files(folder: Path, learned: list[tuple[str, str]], pad: str) -> int:
    """Writes the files of a tokenizer with these merges and returns the size of its vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    # The order of OpenAI's vocabulary: the printable bytes first, so that "!" is 0.
    letters = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in letters]
    letters += [chr(256 + i) for i in range(256 - len(letters))]
    tokens = letters + [c + "</w>" for c in letters] + [a + b for a, b in learned] + [START, END]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    assert len(vocabulary) == len(tokens)
    text = json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":"))
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in learned)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def token(content: str) -> dict:
        flags = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
        return {"content": content, **flags}

    special = {"bos_token": token(START), "eos_token": token(END), "pad_token": pad, "unk_token": token(END)}
    config = {k: {"__type": "AddedToken", **v} for k, v in special.items() if isinstance(v, dict)}
    config |= {
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
        "model_max_length": 77,
        "pad_token": END,
        "tokenizer_class": "CLIPTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    return len(tokens)
