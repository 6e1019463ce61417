"""Reference logits: what PyTorch computes for fixed canvases, for other runtimes to be compared with.

`python -m training.reference --model models/default --out test/fixtures/reference-logits.json` writes canvases and, for up to four
masked rows of each, log-sum-exp, 48 sampled logits and the five best ids. `--tiny DIR` instead writes small random-weights
folders (tied and untied, grouped keys) with their reference logits. Arithmetic is float32 on the weights as stored.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.config import ModelConfig
from training.documents import read_records
from training.model import LLaDAModelLM
from training.model_folder import Description, read_folder, write_folder
from training.objective import FIRST_TEXT_ID
from training.styles import STYLES
from training.tokenizer import EOS, FIRST_STYLE, MASK, TEXT, TextEncoder, train_tokenizer

CANVASES = 32
LENGTHS = (8, 12, 16, 23, 32, 47, 64, 64, 96, 127, 128, 128, 160, 200, 255, 256)
TINY_CANVASES = 16
MASKED_ROWS = 4  # rows recorded of each canvas
SAMPLED_IDS = 48
BATCHES = ((0, 3, 8, 11), (1, 2), (5, 9, 14, 4, 6, 7, 20, 13), (15, 0, 17))  # canvases by index, run as one padded batch each
SAMPLE_TEXTS = Path(__file__).parent / "tests" / "data" / "train" / "sample.jsonl"


def make_canvases(encoder: TextEncoder, vocabulary: int, count: int = CANVASES, seed: int = 5) -> list[list[int]]:
    """Canvases of several lengths: a style token, <|text|>, then text (even ones) or random tokens (odd ones), partly masked."""
    rng = np.random.default_rng(seed)
    stream = [token for record in read_records(SAMPLE_TEXTS) for token in [*encoder.encode(record["text"]), EOS]]
    canvases = []
    for index in range(count):
        length = LENGTHS[index % len(LENGTHS)]
        body = length - 2
        if index % 2 == 0:
            start = int(rng.integers(0, max(1, len(stream) - body)))
            tokens = (stream[start:] + stream)[:body]
        else:
            tokens = rng.integers(FIRST_TEXT_ID, vocabulary, body).tolist()
        masked = rng.permutation(body)[: max(1, round(body * rng.uniform(0.1, 1.0)))]
        ids = [FIRST_STYLE + index % len(STYLES), TEXT, *tokens]
        for place in masked:
            ids[2 + int(place)] = MASK
        canvases.append(ids)
    return canvases


@torch.no_grad()
def canvas_rows(model: LLaDAModelLM, ids: list[int], rng: np.random.Generator) -> list[dict]:
    """What is recorded of one canvas: up to four of its masked rows."""
    logits = model(torch.tensor([ids]))[0]  # L x V
    places = rng.permutation(np.flatnonzero(np.array(ids) == MASK))[:MASKED_ROWS]
    return [row_record(int(p), logits[int(p)], rng) for p in sorted(places)]


def row_record(position: int, logits: Tensor, rng: np.random.Generator) -> dict:
    """logits: V. The log-sum-exp and the best ids leave the mask token out; the sampled ids may be any."""
    allowed = logits.clone()
    allowed[MASK] = float("-inf")
    count = min(SAMPLED_IDS, len(logits) - 1)
    sampled = np.sort(rng.choice(np.arange(1, len(logits)), count, replace=False))
    return {
        "position": position,
        "logsumexp": rounded(torch.logsumexp(allowed.double(), 0)),
        "top5": allowed.topk(5).indices.tolist(),
        "ids": sampled.tolist(),
        "logits": [rounded(value) for value in logits[torch.from_numpy(sampled)]],
    }


def rounded(value: Tensor) -> float:
    return round(float(value), 5)


def reference_of(folder: Path, count: int = CANVASES) -> dict:
    """The whole fixture of one model folder."""
    model, manifest = read_folder(folder)
    encoder = TextEncoder.from_file(folder / "tokenizer.json")
    canvases = make_canvases(encoder, model.config.vocab_size, count)
    rng = np.random.default_rng(6)
    return {
        "format": 1,
        "revision": manifest["revision"],
        "arithmetic": "PyTorch, float32, weights as stored (float16 widened)",
        "about": "logsumexp (natural) and top5 leave out the mask id; batches: canvases by index, padded to the longest, padding unattended",
        "canvases": [{"ids": ids, "rows": canvas_rows(model, ids, rng)} for ids in canvases],
        "batches": [[i for i in batch if i < count] for batch in BATCHES],
    }


def write_reference(folder: Path, out: Path, count: int = CANVASES) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    fixture = reference_of(folder, count)
    canvases = ",\n".join(json.dumps(canvas, separators=(",", ":")) for canvas in fixture.pop("canvases"))
    head = json.dumps(fixture, indent=1)[:-2]
    out.write_text(f'{head},\n "canvases": [\n{canvases}\n]}}\n', encoding="utf-8")
    print(f"{out}: {out.stat().st_size / 1e3:.0f} kB, revision {fixture['revision']}")


def write_tiny(out: Path) -> None:
    """Random-weights folders for parity tests: tied, and untied with grouped keys. Large weights, so that errors show."""
    texts = [record["text"] for record in read_records(SAMPLE_TEXTS)]
    tokenizer_json = train_tokenizer(texts, 300).to_str()
    for name, tied, kv_heads in (("tied", True, 2), ("untied", False, 1)):
        torch.manual_seed(3)
        model = LLaDAModelLM(ModelConfig(
            d_model=64, n_layers=2, n_heads=2, n_kv_heads=kv_heads, mlp_hidden_size=64, vocab_size=300, weight_tying=tied, init_std=0.15,
        ))
        description = Description(
            id=f"tiny-{name}", title=f"Tiny ({name})", description="Random weights, for tests.", licence="apache-2.0", styles=STYLES,
            training={"objective": "none", "token_visits": 0, "device": "none", "hours": 0, "data": "none"},
        )
        write_folder(out / name, model, tokenizer_json, description)
        write_reference(out / name, out / name / "reference-logits.json", TINY_CANVASES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--tiny", type=Path, metavar="DIR")
    args = parser.parse_args()
    if args.tiny:
        write_tiny(args.tiny)
    elif args.model and args.out:
        write_reference(args.model, args.out)
    else:
        parser.error("give --model and --out, or --tiny")


if __name__ == "__main__":
    main()
