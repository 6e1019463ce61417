"""The figures of a model: `python -m training.evaluate --model models/default --valid CORPUS/valid.jsonl.xz [--json]`.

NELBO in bits per byte on fixed seeded stratified masks, and infill top-1 at 15/30/50/70% masks, over validation documents
`[style] <|text|> text <|eos|>` (no request, no facts). `--write FILE` stores the result as JSON and renders it into the model's card.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from training.card import render_card
from training.documents import read_records
from training.likelihood import Canvas, autoregressive_nats, bits_per_byte, canvases_of, infill_top1, nelbo
from training.model import LLaDAModelLM
from training.model_folder import read_folder, write_json
from training.tokenizer import TextEncoder

MASK_SHARES = (0.15, 0.30, 0.50, 0.70)


def evaluate(model: LLaDAModelLM, canvases: list[Canvas], objective: str, draws: int, seed: int) -> dict:
    """Figures of one model over canvases; everything but the revision and the description of the method."""
    causal = objective == "autoregressive"
    nats = autoregressive_nats(model, canvases) if causal else nelbo(model, canvases, draws, seed)
    tokens = sum(len(c.ids) - c.prefix for c in canvases)
    by_style = {}
    for style in sorted({c.style for c in canvases}):
        chosen = [i for i, c in enumerate(canvases) if c.style == style]
        of_style = [canvases[i] for i in chosen]
        by_style[style] = {"documents": len(chosen), "bits_per_byte": round(bits_per_byte(nats[chosen], of_style), 4)}
    per_document = nats / math.log(2)
    sizes = np.array([c.bytes for c in canvases])
    mean = per_document.sum() / sizes.sum()
    error = np.sqrt(((per_document - mean * sizes) ** 2).sum()) / sizes.sum()  # of a ratio of sums over documents
    top1 = {}
    for share in () if causal else MASK_SHARES:
        right, asked = infill_top1(model, canvases, share, seed)
        top1[f"{share:.2f}"] = round(right / asked, 4)
    return {
        "documents": len(canvases), "tokens": tokens, "bytes": int(sizes.sum()),
        "bits_per_byte": round(float(mean), 4), "bits_per_byte_standard_error": round(float(error), 4),
        "nats_per_token": round(float(nats.sum() / tokens), 4), "infill_top1": top1, "by_style": by_style,
    }


def print_table(result: dict) -> None:
    print(f"revision {result['revision']}, {result['documents']} documents, {result['tokens']:,} tokens")
    print(f"  bits per byte     {result['bits_per_byte']:.4f} +- {result['bits_per_byte_standard_error']:.4f}")
    print(f"  nats per token    {result['nats_per_token']:.4f}")
    for share, value in result["infill_top1"].items():
        print(f"  infill top-1 {round(float(share) * 100):3d}%  {100 * value:.2f}%")
    for style, value in result["by_style"].items():
        print(f"  {style:18s}{value['documents']:6d}  {value['bits_per_byte']:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--documents", type=int, help="every n-th document only, about this many in all (default: all)")
    parser.add_argument("--draws", type=int, default=4, help="mask draws per document for the NELBO")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--write", type=Path, metavar="FILE", help="store the JSON here and render it into the model's README.md")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    model, manifest = read_folder(args.model)
    encoder = TextEncoder.from_file(args.model / "tokenizer.json")
    canvases = canvases_of(read_records(args.valid), encoder, model.config.max_sequence_length)
    if args.documents:
        canvases = canvases[:: max(1, len(canvases) // args.documents)]
    method = (
        f"On {len(canvases)} documents of the corpus's validation split, each as `[style] <|text|> text <|eos|>` up to {manifest['context']} tokens, "
        f"float32 on the weights as shipped, seed {args.seed}. NELBO: {args.draws} stratified draws a document, a fixed count of masks in each "
        "(LLaDA's low-variance form), EOS counted, divided by the UTF-8 bytes of the text. Infill top-1: masked text tokens whose most "
        "probable filling is the original one."
    )
    result = {"revision": manifest["revision"], "method": method, "seed": args.seed, "draws": args.draws}
    result |= evaluate(model, canvases, manifest["training"]["objective"], args.draws, args.seed)
    if args.write:
        args.write.parent.mkdir(parents=True, exist_ok=True)
        write_json(args.write, result)
        (args.model / "README.md").write_text(render_card(manifest, result), encoding="utf-8")
    if args.json:
        print(json.dumps(result))
    else:
        print_table(result)


if __name__ == "__main__":
    main()
