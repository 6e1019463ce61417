"""The byte-level BPE tokenizer: 8192 tokens, the special ones first, every single byte among them.

`python -m training.tokenizer --corpus DIR --out tokenizer.json --config training/configs/NAME.toml` trains it on the mix of a run.

Special tokens are ids the model reads, never something a text can spell: `TextEncoder` encodes with a copy of the tokenizer
that has no added tokens, so the characters `<|mask|>` in a text become ordinary byte tokens.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from training.styles import NO_STYLE, STYLES

MASK, EOS, PROMPT, FACTS, TEXT, STYLE_NONE = 0, 1, 2, 3, 4, 5
PAD = EOS  # as LLaDA pads its short answers: the tail is learned text, not absence
STYLE_SLOTS = 24
FIRST_STYLE = 6
STYLE_IDS: dict[str, int] = {NO_STYLE: STYLE_NONE, **{name: FIRST_STYLE + i for i, name in enumerate(STYLES)}}

VOCABULARY_SIZE = 8192


def special_tokens() -> list[str]:
    """The 32 special tokens in id order; style slots without a style keep a numbered name."""
    names = [*STYLES, *(f"unused{i}" for i in range(len(STYLES), STYLE_SLOTS))]
    return [
        "<|mask|>", "<|eos|>", "<|prompt|>", "<|facts|>", "<|text|>", f"<|style:{NO_STYLE}|>",
        *(f"<|style:{name}|>" for name in names),
        "<|reserved:0|>", "<|reserved:1|>",
    ]


def train_tokenizer(texts: Iterable[str], vocabulary_size: int = VOCABULARY_SIZE) -> Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016; bytes as in GPT-2, Radford et al. 2019) with GPT-2's pre-tokeniser, no normaliser."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=special_tokens(),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


class TextEncoder:
    """Encodes text as text: special tokens in it are never recognised. Decodes ids, leaving special tokens out."""

    def __init__(self, tokenizer_json: str) -> None:
        description = json.loads(tokenizer_json)
        self.specials = {token["content"]: token["id"] for token in description["added_tokens"]}
        description["added_tokens"] = []
        self.plain = Tokenizer.from_str(json.dumps(description))
        self.size = self.plain.get_vocab_size()
        self.special_ids = frozenset(self.specials.values())

    @classmethod
    def from_file(cls, path: Path | str) -> TextEncoder:
        return cls(Path(path).read_text(encoding="utf-8"))

    def encode(self, text: str) -> list[int]:
        return self.plain.encode(text).ids

    def encode_with_ends(self, text: str) -> tuple[list[int], list[int]]:
        """Token ids and, for each, the character offset just behind it."""
        encoding = self.plain.encode(text)
        return encoding.ids, [end for _, end in encoding.offsets]

    def decode(self, ids: Iterable[int]) -> str:
        return self.plain.decode([i for i in ids if i not in self.special_ids], skip_special_tokens=False)


def main() -> None:
    from training.config import load_config
    from training.pack import one_epoch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=24.0, help="how much text of the mix to learn from")
    args = parser.parse_args()

    config = load_config(args.config)
    documents = one_epoch(args.corpus, config.data)
    random.Random(config.data.seed).shuffle(documents)

    def texts() -> Iterable[str]:
        read = 0
        for document in documents:
            if read > args.megabytes * 1e6:
                return
            piece = document.text[:1200]
            read += len(piece)
            yield piece
            yield from document.prompts[:1]

    tokenizer = train_tokenizer(texts())
    args.out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(args.out))
    print(f"wrote {args.out}: {tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
