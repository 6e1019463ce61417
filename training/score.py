"""Scores sets of generated texts under an autoregressive scorer (the twin): `python -m training.score --scorer DIR < texts.jsonl`.

Reads lines {"set": name, "style": name, "text": text}; writes one JSON object, the figures of each set by its name.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from training.evaluation import text_statistics
from training.evaluation.twin import score
from training.model import LLaDAModelLM
from training.model_folder import read_folder
from training.tokenizer import TextEncoder


def figures(model: LLaDAModelLM, encoder: TextEncoder, lines: Iterable[dict]) -> dict[str, dict]:
    """Perplexity per token with its standard error over texts, and the counts that a low perplexity alone would hide."""
    sets: dict[str, list[dict]] = {}
    for line in lines:
        sets.setdefault(line["set"], []).append(line)
    result = {}
    for name, members in sets.items():
        texts = [member["text"] for member in members]
        scores = score(model, [member["style"] for member in members], texts, encoder)
        # Of a ratio of sums (nats over tokens), by linearisation; of its exponential, times that.
        mean = scores.nats.sum() / max(1, scores.tokens.sum())
        deviation = np.sqrt(((scores.nats - mean * scores.tokens) ** 2).sum()) / max(1, scores.tokens.sum())
        result[name] = {
            "texts": len(texts),
            "perplexity": float(np.exp(mean)),
            "perplexity_error": float(np.exp(mean) * deviation),
            **text_statistics.summary([encoder.encode(text) for text in texts]),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scorer", type=Path, required=True, help="folder of an autoregressive model of the trainer")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, _ = read_folder(args.scorer)
    encoder = TextEncoder((args.scorer / "tokenizer.json").read_text(encoding="utf-8"))
    print(json.dumps(figures(model.eval(), encoder, map(json.loads, sys.stdin))))


if __name__ == "__main__":
    main()
