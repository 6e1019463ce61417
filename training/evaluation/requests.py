"""The requests of the evaluation, for whoever can send them to the API: `python -m training.evaluation.requests --valid FILE --out FILE`.

One JSON object a line: `{set, ..., request}`; the answers come back as the same lines with `text` and `usage` (see `npm run eval`).
Sets: `samplers` (steps x sampler), `styles` (each style at each guidance), `samples` (each style's ten for the card), `prompts` (held-out requests), `constrained` (the same requests
with lengths and phrases that must hold).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from training.documents import read_records
from training.evaluation.prompted import WORD
from training.styles import STYLES, style_of

SAMPLERS = (
    "low-confidence", "confidence", "margin", "entropy", "threshold", "factor", "entropy-bounded", "ancestral", "remdm",
)
STEPS = (4, 8, 16, 32, 64)
LONG_STYLES = ("story", "news", "encyclopedia", "blog", "dialogue", "email", "notice_formal", "poem")  # have texts of 64 tokens and more
LONG_TOKENS = 64
SEEDS_PER_STYLE = 6
GUIDANCE = (0, 1, 2, 3)
SAMPLES = 10  # texts of each style, seeds 0-9
SAMPLE_TOKENS = 40
SAMPLE_STEPS = 32
# The texts that the card shows: nearly from the left, a little cooler and a little guided.
SAMPLER = "low-confidence"  # LLaDA's, nothing added; docs/samplers.md compares them
CARD = {"temperature": 0.6, "diffusion": {"sampler": SAMPLER, "steps": SAMPLE_STEPS, "block": 2, "guidance": 1}}
TEMPERATURE = 0.8  # of samples and answers; the steps x sampler table is at 1, where entropies can be compared with real text
PROMPTS_PER_STYLE = 10
PROMPT_TOKENS = 48
PROMPT_GUIDANCE = 1


def sampler_requests() -> Iterator[dict]:
    for sampler in SAMPLERS:
        for steps in STEPS:
            for style in LONG_STYLES:
                for seed in range(SEEDS_PER_STYLE):
                    request = {
                        "style": style, "length": {"unit": "tokens", "exact": LONG_TOKENS}, "temperature": 1, "seed": seed,
                        "diffusion": {"sampler": sampler, "steps": steps},
                    }
                    yield {"set": "samplers", "sampler": sampler, "steps": steps, "style": style, "seed": seed, "request": request}


def style_requests() -> Iterator[dict]:
    for style in STYLES:
        for guidance in GUIDANCE:
            for seed in range(SAMPLES):
                request = {
                    "style": style, "length": {"unit": "tokens", "max": SAMPLE_TOKENS}, "temperature": TEMPERATURE, "seed": seed,
                    "diffusion": {"sampler": SAMPLER, "steps": SAMPLE_STEPS, "guidance": guidance},
                }
                yield {"set": "styles", "style": style, "guidance": guidance, "seed": seed, "request": request}


def sample_requests() -> Iterator[dict]:
    for style in STYLES:
        for seed in range(SAMPLES):
            request = {"style": style, "length": {"unit": "tokens", "max": SAMPLE_TOKENS}, "seed": seed, **CARD}
            yield {"set": "samples", "style": style, "seed": seed, "request": request}


def held_out(valid: Path) -> Iterator[dict]:
    """Up to PROMPTS_PER_STYLE validation records with a request written for them, of each style, in file order."""
    taken = dict.fromkeys(STYLES, 0)
    for record in read_records(valid):
        style = style_of(record["style"])
        if record.get("prompt") and style in taken and taken[style] < PROMPTS_PER_STYLE:
            taken[style] += 1
            yield {"style": style, "prompt": record["prompt"], "facts": record.get("facts") or {}, "reference": record["text"]}


def prompt_requests(valid: Path) -> Iterator[dict]:
    for index, entry in enumerate(held_out(valid)):
        request = {
            "style": entry["style"], "prompt": entry["prompt"], "length": {"unit": "tokens", "max": PROMPT_TOKENS},
            "temperature": TEMPERATURE, "seed": index, "diffusion": {"sampler": SAMPLER, "steps": SAMPLE_STEPS, "guidance": PROMPT_GUIDANCE},
        }
        yield {"set": "prompts", **entry, "request": request}


def constrained_requests(valid: Path) -> Iterator[dict]:
    """The same requests, each with one length (in turn of characters, words, sentences) and the longest word of its prompt."""
    lengths = (
        {"unit": "characters", "min": 90, "max": 120}, {"unit": "words", "exact": 15}, {"unit": "sentences", "exact": 2}
    )
    for index, entry in enumerate(held_out(valid)):
        words = sorted(WORD.findall(entry["prompt"]), key=lambda w: (-len(w), w))
        length, phrase = lengths[index % len(lengths)], words[0]
        request = {
            "style": entry["style"], "prompt": entry["prompt"], "length": [length, {"unit": "tokens", "max": PROMPT_TOKENS}],
            "include": [{"text": phrase, "case_sensitive": False}], "temperature": TEMPERATURE, "seed": index,
            "diffusion": {"sampler": SAMPLER, "steps": SAMPLE_STEPS, "guidance": PROMPT_GUIDANCE},
        }
        yield {"set": "constrained", **entry, "length": length, "phrase": phrase, "request": request}


def all_requests(valid: Path) -> Iterator[dict]:
    yield from style_requests()
    yield from sample_requests()
    yield from prompt_requests(valid)
    yield from constrained_requests(valid)
    yield from sampler_requests()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with open(args.out, "w", encoding="utf-8") as file:
        for line in all_requests(args.valid):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
