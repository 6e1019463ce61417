"""The figures of a model: `python -m training.evaluate --model models/default --corpus CORPUS [--twin FOLDER --data-dir PACKED --answers FILE]`.

Sections, each a JSON file under --write (docs/evaluation):
  likelihood   NELBO in bits per byte on fixed stratified masks, by style; the twin's exact likelihood beside it
  infill       top-1 and exact match at 15/30/50/70% masked and for spans of 1, 4 and 16 tokens
  claims       coherence across holes, editing, exposure bias
  samplers, styles, prompts, constrained   of texts that the API generated (`npm run eval` asks for them)
  samples      the texts that the card shows
What stands in --twin and --answers decides which sections are possible. `training.report` renders the files.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from training.documents import read_records, to_document
from training.evaluation import claims, generated
from training.evaluation.requests import CARD, SAMPLE_TOKENS
from training.evaluation.style_classifier import Example, StyleClassifier
from training.evaluation.trigram import Trigram
from training.likelihood import (
    Canvas, autoregressive_nats, bits_per_byte, canvases_of, infill, nelbo, share_of_text, span_of_text,
)
from training.model import LLaDAModelLM
from training.model_folder import read_folder, write_json
from training.styles import STYLES
from training.tokenizer import TextEncoder

MASK_SHARES = (0.15, 0.30, 0.50, 0.70)
SPANS = (1, 4, 16)
COHERENCE_DOCUMENTS = 400
EDITING_DOCUMENTS = 1000
EDITING_RATE = 0.1


def likelihood(model: LLaDAModelLM, canvases: list[Canvas], objective: str, draws: int, seed: int) -> dict:
    """Bits per byte over canvases and by style, with the standard error over documents."""
    nats = autoregressive_nats(model, canvases) if objective == "autoregressive" else nelbo(model, canvases, draws, seed)
    tokens = sum(len(c.ids) - c.prefix for c in canvases)
    by_style = {}
    for style in sorted({c.style for c in canvases}):
        chosen = [i for i, c in enumerate(canvases) if c.style == style]
        of_style = [canvases[i] for i in chosen]
        by_style[style] = {"documents": len(chosen), "bits_per_byte": round(bits_per_byte(nats[chosen], of_style), 4)}
    per_document = nats / np.log(2)
    sizes = np.array([c.bytes for c in canvases])
    mean = per_document.sum() / sizes.sum()
    error = np.sqrt(((per_document - mean * sizes) ** 2).sum()) / sizes.sum()  # of a ratio of sums over documents
    return {
        "documents": len(canvases), "tokens": tokens, "bytes": int(sizes.sum()),
        "bits_per_byte": round(float(mean), 4), "bits_per_byte_standard_error": round(float(error), 4),
        "nats_per_token": round(float(nats.sum() / tokens), 4), "by_style": by_style,
    }


def infilling(model: LLaDAModelLM, canvases: list[Canvas], seed: int) -> dict:
    shares = {f"{share:.2f}": infill(model, canvases, share_of_text(share), seed).summary() for share in MASK_SHARES}
    return {"shares": shares, "spans": {str(size): infill(model, canvases, span_of_text(size), seed).summary() for size in SPANS}}


def style_examples(path: Path) -> list[Example]:
    """The beginnings of a corpus file's documents that have a named style."""
    documents = (to_document(record) for record in read_records(path))
    return [Example(d.text[:400], d.style) for d in documents if d is not None and d.style in STYLES and d.begins]


class Evaluation:
    """All that a section may need; the expensive parts are made once, when they are first asked for."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.model, self.manifest = read_folder(args.model)
        self.encoder = TextEncoder.from_file(args.model / "tokenizer.json")
        self.valid = next(args.corpus.glob("valid.jsonl*"))
        canvases = canvases_of(read_records(self.valid), self.encoder, self.model.config.max_sequence_length)
        self.canvases = canvases[:: max(1, len(canvases) // args.documents)] if args.documents else canvases
        self.twin, self.twin_manifest = read_folder(args.twin) if args.twin else (None, None)
        self.answers = generated.read_answers(args.answers) if args.answers else {}
        self._judge: generated.Judge | None = None

    def judge(self) -> generated.Judge:
        if self._judge is None:
            self._judge = generated.Judge(self.twin, Trigram.of_canvases(self.args.data_dir, self.encoder.size), self.encoder)
        return self._judge

    def likelihood(self) -> dict:
        args, objective = self.args, self.manifest["training"]["objective"]
        result = likelihood(self.model, self.canvases, objective, args.draws, args.seed)
        if self.twin is not None:
            result["twin"] = likelihood(self.twin, self.canvases, "autoregressive", args.draws, args.seed)
        return result

    def infill(self) -> dict:
        return infilling(self.model, self.canvases, self.args.seed)

    def claims(self) -> dict:
        judge = self.judge()
        real = [text for _, text in generated.real_texts(self.canvases, self.encoder)]
        steps = max(a["steps"] for a in self.answers["samplers"])
        own = {
            sampler: [a["text"] for a in self.answers["samplers"] if a["sampler"] == sampler and a["steps"] == steps]
            for sampler in ("ancestral", "remdm")
        }
        texts = {**own, "twin": judge.twin_texts}
        return {
            "coherence": claims.coherence(self.model, self.twin, self.canvases, COHERENCE_DOCUMENTS),
            "editing": claims.editing(self.model, self.canvases[:EDITING_DOCUMENTS], EDITING_RATE, self.args.seed),
            "exposure": {
                name: claims.exposure(judge.trigram_nats(drawn), judge.trigram_nats(real)) for name, drawn in texts.items()
            },
        }

    def samplers(self) -> dict:
        return generated.samplers(self.answers["samplers"], self.judge(), self.canvases)

    def styles(self) -> dict:
        classifier = StyleClassifier(self.encoder)
        classifier.fit([e for path in sorted((self.args.corpus / "train").glob("*.jsonl*")) for e in style_examples(path)])
        return generated.styles(self.answers["styles"], classifier, style_examples(self.valid), self.judge())

    def prompts(self) -> dict:
        return generated.prompts(self.answers["prompts"], self.judge())

    def constrained(self) -> dict:
        return generated.constrained(self.answers["constrained"], self.judge())

    def samples(self) -> dict:
        """The texts of the card: each style's ten, and the answers to held-out requests."""
        of_style = {
            style: [a["text"] for a in self.answers["samples"] if a["style"] == style] for style in STYLES
        }
        answers = [{"style": a["style"], "prompt": a["prompt"], "text": a["text"]} for a in self.answers["prompts"]]
        return {"settings": {"tokens": SAMPLE_TOKENS, **CARD}, "styles": of_style, "prompts": answers}


SECTIONS: dict[str, Callable[[Evaluation], dict]] = {
    name: getattr(Evaluation, name)
    for name in ("likelihood", "infill", "samplers", "styles", "prompts", "constrained", "claims", "samples")
}
WITHOUT_TEXTS = ("likelihood", "infill")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--twin", type=Path, help="folder of the autoregressive twin")
    parser.add_argument("--data-dir", type=Path, help="what training.pack wrote: the trigram scorer is counted from it")
    parser.add_argument("--answers", type=Path, help="the requests with the API's answers")
    parser.add_argument("--sections", help=f"comma-separated, of {', '.join(SECTIONS)} (default: all that are possible)")
    parser.add_argument("--documents", type=int, help="every n-th document only, about this many in all (default: all)")
    parser.add_argument("--draws", type=int, default=4, help="mask draws per document for the NELBO")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", type=Path, metavar="DIR", required=True, help="where each section's JSON goes")
    args = parser.parse_args()
    complete = args.twin and args.data_dir and args.answers
    names = args.sections.split(",") if args.sections else (SECTIONS if complete else WITHOUT_TEXTS)
    if not complete and set(names) - set(WITHOUT_TEXTS):
        parser.error(f"sections other than {', '.join(WITHOUT_TEXTS)} need --twin, --data-dir and --answers")

    torch.set_num_threads(args.threads)
    evaluation = Evaluation(args)
    args.write.mkdir(parents=True, exist_ok=True)
    for name in names:
        started = time.time()
        result = SECTIONS[name](evaluation)
        head = {"revision": evaluation.manifest["revision"], "seed": args.seed, "draws": args.draws}
        if evaluation.twin_manifest is not None:
            head["twin_training"] = {"revision": evaluation.twin_manifest["revision"], **evaluation.twin_manifest["training"]}
        write_json(args.write / f"{name}.json", {**head, **result})
        print(f"{name}: {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
