"""Writes prompts and their tokens by transformers' CLIPTokenizer, for the tests of `diffusion`.

`python tools/lab/reference/export_prompts.py [FOLDER]`, by default the test resources of `diffusion`.
Made with transformers 5: before, other rules held for control and CJK characters.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

from transformers import CLIPTokenizer

import small_tokenizer

FOLDER = Path(__file__).resolve().parents[3] / "diffusion/src/test/resources/tokenizer"

PROMPTS = [
    "",
    " ",
    "\t\n  ",
    "a photo of an astronaut riding a horse on mars",
    "A Photo Of An ASTRONAUT",
    "  leading,   inner\tand\ntrailing  ",
    "it's they've we'll you'd i'm they're don't rock'n'roll 'tis ''s 's 'S ’s",
    "masterpiece, (best quality:1.2), 8k, f/1.8, 50mm!!! ... #art @home 100% $5 <lora:x:0.8>",
    "1234567890 3.14159 1st 2nd ½ ² Ⅷ ٣ 十二",
    "café cafe\u0301 naïve Zoë Ærøskøbing straße ﬁn ŒUVRE",
    "İstanbul ISTANBUL ıI Σίσυφος ΣΑΣ ΑΣ. Ǆ ǅ ẞ",
    "Привет, мир! Щука",
    "日本語のテキスト、漢字。 中文字符 한국어 텍스트",
    "हिन्दी में नमस्ते",
    "العربية שלום",
    "😀 👩‍🚀🐴 👍🏽 🇯🇵 ☃️ ❤️",
    "zero\u200bwidth non\u00a0breaking em\u2003space line\u2028sep nel\u0085x",
    "control\u0001\u0007 chars \ufeffbom \ufffd",
    "a <|endoftext|> b<|startoftext|>c <|ENDOFTEXT|> !<|startoftext|>!! < | endoftext |>",
    "hello! wow!! !!! !a! \"quoted!\" ¡hola!",
    "under_score-dash—em–en…dots •bullet ©®™ °C €£¥ ×÷±√∞≈",
    "e\u0301e\u0301\u0301 a\u0328\u0301 \u1100\u1161\u11a8 \u212b \u2126",
    "𝕳𝖊𝖑𝖑𝖔 𝟘𝟙 𐐀𐐨 🄰",
    "word " * 74,
    "word " * 75,
    "word " * 76,
    "a" * 300,
    "the quick brown fox jumps over the lazy dog; " * 12,
    "!" * 120,
    "\\ / | ` ~ ^ * & { } [ ] = + ; : \" ' , . < > ?",
]


def noise(count: int) -> list[str]:
    """Prompts of letters, marks, digits and signs thrown together."""
    dice = random.Random(7)
    pieces = list("aAbBeEoOxyz019 ,.'!?-_") + ["'s", "'LL", "é", "ß", "Ж", "字", "😀", "\u0301", " the ", "ing "]
    return ["".join(dice.choices(pieces, k=dice.randint(1, 60))) for _ in range(count)]


MERGES = Path(__file__).resolve().parents[3] / "diffusion/src/main/resources/nacre/diffusion/text/clip-merges.txt"


def mixture(count: int) -> list[str]:
    """Prompts of words, scripts, signs and broken text thrown together."""
    dice = random.Random(11)
    words = """astronaut masterpiece greg rutkowski artstation ultra-realistic UNREAL engine5 8k f/1.8 35mm bokeh
        <lora:add_detail:0.7> (best:1.2) [old|new] {a|b} \\(gap\\) BREAK AND || :: -- ... !!! ?! #tag @me c++ C# 4K@60
        don't DON'T it'S y'all've rock’n’roll o'clock naïve façade Ångström ŒUVRE straße İzmir ısı ΣΊΣΥΦΟΣ ΑΣ
        Привет ЁЛКА український ђак ქართული ՀԱՅԵՐԵՆ ελληνικά עברית العربية فارسی हिन्दी বাংলা ਪੰਜਾਬੀ தமிழ் తెలుగు
        ಕನ್ನಡ മലയാളം සිංහල ไทย ລາວ မြန်မာ ខ្មែរ 日本語 ひらがな ｶﾀｶﾅ 한국어 中文 𠮷野家 ℌ𝔢𝔩𝔩𝔬 ⅷ Ⅻ ½ ①② １２３ ٣٤ ๑๒
        😀 👩‍🚀 👍🏽 🇯🇵 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ ☃ ™ ® ° € ¥ × ÷ ± ∞ â€™ Ã© &amp; &lt;b&gt; &#39; \u00ad \u200d \u2060
        \ufffd \ufeff e\u0301 n\u0303 \u1e9b\u0323 \u0344 \u212b ﬁ ﬀ ǅ ß ẞ ſ""".split()
    joints = [" ", " ", " ", ", ", "", "  ", "\n", "\t", "\u00a0", "\u3000", "_", "-"]
    return ["".join(dice.choice(words) + dice.choice(joints) for _ in range(dice.randint(1, 14))) for _ in range(count)]


def clip(folder: Path, prompts: list[str]) -> None:
    """CLIP's own vocabulary, from the merges that come with Nacre."""
    merges = [tuple(line.split()) for line in MERGES.read_text(encoding="utf-8").splitlines()[1:]]
    encoded = {}
    for name, pad in (("sd1", small_tokenizer.END), ("sd2", "!")):  # the padding token is matched in prompts, too
        with tempfile.TemporaryDirectory() as files:
            small_tokenizer.write_files(Path(files), merges, pad)
            tokenizer = CLIPTokenizer.from_pretrained(files)
        ids = tokenizer(prompts, max_length=77, truncation=True).input_ids
        encoded[name] = [" ".join(map(str, row)) for row in ids]
    lines = []
    for prompt, first, second in zip(prompts, encoded["sd1"], encoded["sd2"], strict=True):
        other = {} if second == first else {"sd2": second}
        lines.append(json.dumps({"prompt": prompt, "sd1": first} | other))
    folder.mkdir(exist_ok=True)
    (folder / "prompts.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    clip(folder / "clip", PROMPTS + noise(120) + mixture(250))
    prompts = PROMPTS + noise(60)
    for name, pad in (("sd1", small_tokenizer.END), ("sd2", "!")):
        small_tokenizer.write(folder / name, pad)
        tokenizer = CLIPTokenizer.from_pretrained(folder / name)
        encoded = tokenizer(prompts, padding="max_length", max_length=77, truncation=True)
        lines = [
            json.dumps({"prompt": prompt, "ids": " ".join(map(str, ids))})
            for prompt, ids in zip(prompts, encoded.input_ids, strict=True)
        ]
        (folder / name / "prompts.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    # What transformers 5 writes instead of vocabulary and merges.
    with tempfile.TemporaryDirectory() as saved:
        tokenizer.save_pretrained(saved)
        whole = json.loads((Path(saved) / "tokenizer.json").read_text())
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        (folder / "sd2-whole").mkdir(exist_ok=True)
        (folder / "sd2-whole/tokenizer.json").write_text(text + "\n")
        config = (Path(saved) / "tokenizer_config.json").read_text()
        (folder / "sd2-whole/tokenizer_config.json").write_text(config)


if __name__ == "__main__":
    main()
