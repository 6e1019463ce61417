"""Documents -> packed canvases of token ids, once per run and afresh for every repetition of a text.

A canvas is `[style] [<|prompt|> request] [<|facts|> key: value; ...] <|text|> text <|eos|> <|eos|> ...`. Style, request and facts are each
left out part of the time. What stands before and including `<|text|>` is the *prefix*: never masked, never in the loss.

`python -m training.pack --config C --corpus DIR --data-dir DIR` writes, for every canvas length L, `canvas-L.npy` (uint16, rows x L),
`prefix-L.npy` (uint16, rows: tokens of the prefix) and `length-L.npy` (uint16, rows: tokens that exist; the rest is padding that
nothing attends to), and `validation.json` (a fixed choice of validation documents).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from pathlib import Path

import numpy as np

from training.config import DataConfig, MixRule, load_config
from training.documents import Document, facts_line, read_records, to_document
from training.styles import NO_STYLE
from training.tokenizer import EOS, FACTS, PROMPT, STYLE_IDS, TEXT, TextEncoder

SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s)|\n")
AFTER_BREAK = re.compile(r"(?<=[\s.,;:!?\"'(-])")


def rule_for(file: str, style: str, mix: list[MixRule]) -> MixRule | None:
    """The rule that names file and style, else the file's "*" rule, else None (the text is not in the mix)."""
    of_file = {rule.style: rule for rule in mix if rule.file == file}
    return of_file.get(style) or of_file.get("*")


def one_epoch(corpus: Path, data: DataConfig) -> list[Document]:
    """The documents of one epoch of the mix, repetitions included (the same objects, several times), in corpus order."""
    rng = random.Random(data.seed)
    chosen: list[Document] = []
    for name in sorted({rule.file for rule in data.mix}):
        (path,) = corpus.glob(f"train/{name}.jsonl*")
        for record in read_records(path):
            rule = rule_for(name, record["style"], data.mix)
            if rule is None or rule.times <= 0 or len(record["text"]) > rule.max_characters:
                continue
            if rule.begins_only and record.get("part"):
                continue
            if (record.get("simplicity") or 0) > rule.max_simplicity:
                continue
            document = to_document(record)
            if document is None:
                continue
            times = int(rule.times) + (rng.random() < rule.times % 1)
            chosen += [document] * times
    return chosen


def encode_in_pieces(text: str, encoder: TextEncoder, rng: random.Random) -> list[int]:
    """Tokenise `text` cut at 1-3 places, half of them behind a space or punctuation mark.

    Callers' templates put literals and holes at any character, so token boundaries occur where BPE alone would never put one.
    """
    breaks = [m.start() for m in AFTER_BREAK.finditer(text) if 0 < m.start() < len(text)]
    cuts = set()
    for _ in range(rng.randint(1, 3)):
        cuts.add(rng.choice(breaks) if breaks and rng.random() < 0.5 else rng.randrange(1, max(2, len(text))))
    edges = [0, *sorted(cuts), len(text)]
    return [token for start, end in zip(edges, edges[1:]) for token in encoder.encode(text[start:end])]


def cut_at_sentence(text: str, room: int, encoder: TextEncoder) -> list[int] | None:
    """Token ids of the longest run of whole sentences from the start that fits `room` tokens; None where not even one does."""
    _, ends = encoder.encode_with_ends(text)
    last_character = ends[room - 1] if room <= len(ends) else len(text)
    fitting = [m.end() for m in SENTENCE_END.finditer(text, 0, last_character + 1) if m.end() <= last_character]
    while fitting:
        ids = encoder.encode(text[: fitting.pop()].rstrip())
        if 0 < len(ids) <= room:
            return ids
    return None


def prefix_ids(document: Document, encoder: TextEncoder, data: DataConfig, rng: random.Random) -> list[int]:
    """`[style] [<|prompt|> request] [<|facts|> ...] <|text|>`, each part dropped at its own rate."""
    style = NO_STYLE if rng.random() < data.style_drop else document.style
    ids = [STYLE_IDS[style]]
    if document.prompts and rng.random() >= data.prompt_drop:
        ids += [PROMPT, *encoder.encode(rng.choice(document.prompts))[: data.max_prompt_tokens]]
    if document.facts and rng.random() >= data.facts_drop:
        facts = encoder.encode(facts_line(document.facts, rng))
        if len(facts) <= data.max_facts_tokens:
            ids += [FACTS, *facts]
    return [*ids, TEXT]


def pack_document(
    document: Document, encoder: TextEncoder, data: DataConfig, rng: random.Random
) -> tuple[list[int], int, int] | None:
    """One canvas: (ids padded with EOS to a bucket length, tokens of the prefix, tokens that exist). None: does not fit."""
    limit = data.max_canvas if rng.random() < data.long_share else min(data.short_canvas, data.max_canvas)
    prefix = prefix_ids(document, encoder, data, rng)
    text = encoder.encode(document.text)
    if rng.random() < data.cut_share and len(document.text) > 1:
        text = encode_in_pieces(document.text, encoder, rng)
    if len(prefix) + len(text) + 1 > limit:  # too long: whole sentences, no EOS, the canvas ends with the text
        cut = cut_at_sentence(document.text, limit - len(prefix), encoder)
        if cut is None:
            return None
        ids = prefix + cut
        bucket = next(b for b in data.buckets if b >= len(ids))
        return ids + [EOS] * (bucket - len(ids)), len(prefix), len(ids)
    ids = prefix + text + [EOS]
    at = next(i for i, b in enumerate(data.buckets) if b >= len(ids))
    tight = rng.random() < data.tight_share
    if not tight and rng.random() < data.next_bucket_share and at + 1 < len(data.buckets) and data.buckets[at + 1] <= limit:
        at += 1
    bucket = data.buckets[at]
    length = len(ids) if tight else bucket
    return ids + [EOS] * (bucket - len(ids)), len(prefix), length


def pack(documents: list[Document], encoder: TextEncoder, data: DataConfig, out: Path) -> dict:
    """Write the shards of one epoch; return counts."""
    rng = random.Random(data.seed + 1)
    rows: dict[int, list[list[int]]] = {b: [] for b in data.buckets}
    prefixes: dict[int, list[int]] = {b: [] for b in data.buckets}
    lengths: dict[int, list[int]] = {b: [] for b in data.buckets}
    too_long = 0
    for document in documents:
        packed = pack_document(document, encoder, data, rng)
        if packed is None:
            too_long += 1
            continue
        ids, prefix, length = packed
        rows[len(ids)].append(ids)
        prefixes[len(ids)].append(prefix)
        lengths[len(ids)].append(length)
    out.mkdir(parents=True, exist_ok=True)
    for bucket in data.buckets:
        np.save(out / f"canvas-{bucket}.npy", np.array(rows[bucket], dtype=np.uint16).reshape(-1, bucket))
        np.save(out / f"prefix-{bucket}.npy", np.array(prefixes[bucket], dtype=np.uint16))
        np.save(out / f"length-{bucket}.npy", np.array(lengths[bucket], dtype=np.uint16))
    counts = {
        "documents": len(documents),
        "too_long": too_long,
        "rows": {str(b): len(rows[b]) for b in data.buckets},
        "tokens": sum(len(rows[b]) * b for b in data.buckets),
    }
    (out / "counts.json").write_text(json.dumps(counts, indent=1))
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True, help="holds tokenizer.json; the shards are written beside it")
    args = parser.parse_args()
    started = time.time()
    config = load_config(args.config)
    encoder = TextEncoder.from_file(args.data_dir / "tokenizer.json")
    counts = pack(one_epoch(args.corpus, config.data), encoder, config.data, args.data_dir)

    valid = [r for r in read_records(next(args.corpus.glob("valid.jsonl*")))]
    random.Random(config.data.seed).shuffle(valid)
    (args.data_dir / "validation.json").write_text(json.dumps(valid[: config.validate_documents]))
    print(json.dumps(counts), f"{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
