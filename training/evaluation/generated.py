"""Figures of generated texts: the lines of `training.evaluation.requests` with the API's answers in them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from training.evaluation import text_statistics
from training.evaluation.prompted import facts_shown, words_shown
from training.evaluation.requests import (
    GUIDANCE, LONG_STYLES, LONG_TOKENS, PROMPT_TOKENS, SAMPLERS, SEEDS_PER_STYLE, STEPS, TEMPERATURE,
)
from training.evaluation.style_classifier import Example, StyleClassifier
from training.evaluation.trigram import Trigram
from training.evaluation.twin import Scores, conditioning, sample, score
from training.likelihood import Canvas
from training.model import LLaDAModelLM
from training.tokenizer import EOS, TextEncoder

WORDS = re.compile(r"\S*[^\W_]\S*")
SENTENCE_BREAK = re.compile(r"(?<=[.!?…])[\"'”’)\]]*(?:\s+|$)")


def read_answers(path: Path) -> dict[str, list[dict]]:
    """The lines of each set, in order."""
    sets: dict[str, list[dict]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        answer = json.loads(line)
        sets.setdefault(answer["set"], []).append(answer)
    return sets


class Judge:
    """What scores texts: the twin, a trigram model, and the tokenizer."""

    def __init__(self, twin: LLaDAModelLM, trigram: Trigram, encoder: TextEncoder) -> None:
        self.twin, self.trigram, self.encoder = twin, trigram, encoder

    def scores(self, styles: Sequence[str], texts: Sequence[str]) -> Scores:
        return score(self.twin, styles, texts, self.encoder)

    def trigram_nats(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [self.trigram.nats(self.encoder.encode(text)) for text in texts if text]

    @cached_property
    def twin_texts(self) -> list[str]:
        """The twin's own texts of LONG_TOKENS tokens at temperature 1, as many of each long style as each sampler made."""
        prefixes = [conditioning(style, None, self.encoder) for style in LONG_STYLES for _ in range(SEEDS_PER_STYLE)]
        return [self.encoder.decode(ids) for ids in sample(self.twin, prefixes, LONG_TOKENS, 1.0, 0, may_end=False)]

    def row(self, styles: Sequence[str], texts: Sequence[str]) -> dict:
        """The figures of one set of texts."""
        trigram = np.concatenate(self.trigram_nats(texts))
        return {
            "texts": len(texts),
            "twin_perplexity": round(self.scores(styles, texts).perplexity, 2),
            "trigram_perplexity": round(float(np.exp(trigram.mean())), 2),
            **text_statistics.summary([self.encoder.encode(text) for text in texts]),
        }


def samplers(answers: Sequence[dict], judge: Judge, canvases: Sequence[Canvas]) -> dict:
    """Steps x sampler, beside the twin's own samples and real texts of the same styles and length."""
    rows = []
    for sampler in SAMPLERS:
        for steps in STEPS:
            own = [a for a in answers if a["sampler"] == sampler and a["steps"] == steps]
            evaluations = sum(a["usage"]["model_evaluations"] for a in own)
            tokens = sum(a["usage"]["positions"] for a in own)
            rows.append({
                "source": sampler, "steps": steps, **judge.row([a["style"] for a in own], [a["text"] for a in own]),
                "tokens_per_evaluation": round(tokens / evaluations, 2),
            })
    real = real_texts(canvases, judge.encoder)
    styles = [style for style in LONG_STYLES for _ in range(SEEDS_PER_STYLE)]
    rows.append({"source": "twin", "steps": LONG_TOKENS, **judge.row(styles, judge.twin_texts), "tokens_per_evaluation": 1.0})
    rows.append({"source": "real text", "steps": 0, **judge.row([s for s, _ in real], [t for _, t in real]), "tokens_per_evaluation": 0.0})
    return {"tokens": LONG_TOKENS, "styles": list(LONG_STYLES), "rows": rows}


def real_texts(canvases: Sequence[Canvas], encoder: TextEncoder) -> list[tuple[str, str]]:
    """(style, text): the first LONG_TOKENS tokens of validation documents of the long styles, as many as each sampler made."""
    result = []
    for style in LONG_STYLES:
        own = [c.ids[c.prefix : c.prefix + LONG_TOKENS] for c in canvases if c.style == style]
        whole = [ids for ids in own if len(ids) == LONG_TOKENS and EOS not in ids][:SEEDS_PER_STYLE]
        result += [(style, encoder.decode(ids)) for ids in whole]
    return result


def styles(answers: Sequence[dict], classifier: StyleClassifier, held_out: Sequence[Example], judge: Judge) -> dict:
    """Style accuracy at each guidance, beside the classifier's accuracy on held-out real texts."""
    rows = []
    for guidance in GUIDANCE:
        own = [a for a in answers if a["guidance"] == guidance]
        rows.append({
            "guidance": guidance,
            "accuracy": classifier.accuracy([Example(a["text"], a["style"]) for a in own]),
            **judge.row([a["style"] for a in own], [a["text"] for a in own]),
        })
    return {"classifier": classifier.accuracy(held_out), "temperature": TEMPERATURE, "rows": rows}


def prompts(answers: Sequence[dict], judge: Judge) -> dict:
    """Requests answered by the model, by its twin, by the real text, and by the model's answer to another request of the same style."""
    requests, facts = [a["prompt"] for a in answers], [a["facts"] for a in answers]
    prefixes = [conditioning(a["style"], a["prompt"], judge.encoder) for a in answers]
    drawn = [judge.encoder.decode(ids) for ids in sample(judge.twin, prefixes, PROMPT_TOKENS, TEMPERATURE, 0, may_end=True)]

    def figures(texts: Sequence[str]) -> dict:
        return {"content_words": round(words_shown(requests, texts), 4), "facts": round(facts_shown(facts, texts), 4)}

    own = [a["text"] for a in answers]
    return {
        "requests": len(answers), "facts": sum(len(f) for f in facts), "temperature": TEMPERATURE,
        "model": figures(own), "twin": figures(drawn), "real text": figures([a["reference"] for a in answers]),
        "another request": figures([own[neighbour(answers, i)] for i in range(len(own))]),
        "by_style": {
            style: round(words_shown(*zip(*[(a["prompt"], a["text"]) for a in answers if a["style"] == style])), 4)
            for style in dict.fromkeys(a["style"] for a in answers)
        },
        "twin_texts": drawn,
    }


def neighbour(answers: Sequence[dict], index: int) -> int:
    """The next request of the same style, around the end."""
    same = [i for i, a in enumerate(answers) if a["style"] == answers[index]["style"]]
    return same[(same.index(index) + 1) % len(same)]


MEASURES: dict[str, Callable[[str], int]] = {
    "characters": len,
    "words": lambda text: len(WORDS.findall(text)),
    "sentences": lambda text: sum(1 for piece in SENTENCE_BREAK.split(text) if WORDS.search(piece)),
}


def holds(answer: dict, text: str) -> bool:
    """Whether a text has the length and the phrase of a constrained request, by plain counts that are not the engine's."""
    length = answer["length"]
    count = MEASURES[length["unit"]](text)
    low, high = (length["exact"],) * 2 if "exact" in length else (length["min"], length["max"])
    return low <= count <= high and answer["phrase"].lower() in text.lower()


def constrained(answers: Sequence[dict], judge: Judge) -> dict:
    """Lengths and phrases that must hold: the model through the API, the twin by chance."""
    answered = [a for a in answers if "text" in a]
    prefixes = [conditioning(a["style"], a["prompt"], judge.encoder) for a in answers]
    drawn = [judge.encoder.decode(ids) for ids in sample(judge.twin, prefixes, PROMPT_TOKENS, TEMPERATURE, 1, may_end=True)]
    return {
        "requests": len(answers), "answered": len(answered),
        "held": round(float(np.mean([holds(a, a["text"]) for a in answered])), 4),
        "twin_held": round(float(np.mean([holds(a, text) for a, text in zip(answers, drawn)])), 4),
        "model": judge.row([a["style"] for a in answered], [a["text"] for a in answered]),
        "refused": sorted({a["problem"] for a in answers if "problem" in a}),
    }
