"""Measuring a model on texts: the NELBO in bits per byte, and how often it fills a mask with the right token.

Everything is seeded by document and draw, so two models meet the same masks and a rerun gives the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from training.documents import to_document
from training.model import LLaDAModelLM
from training.objective import Batch, device_of, keep_of, masked_cross_entropy, on
from training.tokenizer import EOS, MASK, STYLE_IDS, TEXT, TextEncoder


@dataclass(frozen=True)
class Canvas:
    """One document to be measured: `[style] <|text|> text <|eos|>`, no request, no facts, no EOS tail."""

    ids: list[int]
    prefix: int
    bytes: int  # UTF-8 bytes of the text in the canvas
    index: int  # place in the validation file: seeds the masks
    style: str


def canvases_of(records: Iterable[dict], encoder: TextEncoder, max_canvas: int) -> list[Canvas]:
    """Validation records as canvases, in order; a text too long is cut behind its last whole token that fits, without EOS."""
    result = []
    for index, record in enumerate(records):
        document = to_document(record)
        if document is None:
            continue
        prefix = [STYLE_IDS[document.style], TEXT]
        text = encoder.encode(document.text)
        if len(prefix) + len(text) + 1 <= max_canvas:
            ids, size = prefix + text + [EOS], len(document.text.encode())
        else:
            kept = text[: max_canvas - len(prefix)]
            ids, size = prefix + kept, byte_count(kept, encoder)
        result.append(Canvas(ids, len(prefix), size, index, document.style))
    return result


def byte_count(ids: list[int], encoder: TextEncoder) -> int:
    """Bytes that byte-level BPE tokens stand for: one character of the token's name per byte."""
    return sum(len(encoder.plain.id_to_token(i)) for i in ids)


def in_batches(canvases: list[Canvas], batch_tokens: int) -> Iterator[list[Canvas]]:
    """Groups of canvases of like length, each at most about `batch_tokens` tokens with padding."""
    group: list[Canvas] = []
    for canvas in sorted(canvases, key=lambda c: (len(c.ids), c.index)):
        if group and (len(group) + 1) * len(canvas.ids) > batch_tokens:
            yield group
            group = []
        group.append(canvas)
    if group:
        yield group


def as_batch(group: list[Canvas]) -> Batch:
    longest = max(len(c.ids) for c in group)
    ids = np.array([c.ids + [EOS] * (longest - len(c.ids)) for c in group], dtype=np.int64)
    return Batch(ids, np.array([c.prefix for c in group]), np.array([len(c.ids) for c in group]))


def fixed_count_mask(maskable: np.ndarray, counts: np.ndarray, rngs: list[np.random.Generator]) -> np.ndarray:
    """Mask exactly counts[i] maskable positions of row i, chosen at random. bool, B x L."""
    mask = np.zeros_like(maskable)
    for row, rng in enumerate(rngs):
        places = np.flatnonzero(maskable[row])
        mask[row, rng.permutation(places)[: counts[row]]] = True
    return mask


@torch.no_grad()
def masked_scores(model: LLaDAModelLM, batch: Batch, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At the masked positions: (row, nats, top-1 right), each of length M."""
    where = np.nonzero(mask)
    device = device_of(model)
    canvas, row, column, targets = on(device, np.where(mask, MASK, batch.ids), *where, batch.ids[where])
    logits = model.logits(model.hidden(canvas, keep_of(batch, device))[row, column - model.config.shift])  # M x V
    nats = masked_cross_entropy(logits, targets)
    right = logits[:, MASK + 1 :].argmax(-1) + MASK + 1 == targets
    return where[0], nats.cpu().numpy(), right.cpu().numpy()


def nelbo(model: LLaDAModelLM, canvases: list[Canvas], draws: int = 4, seed: int = 0, batch_tokens: int = 8192) -> np.ndarray:
    """The NELBO of each canvas in nats, in the order given.

    LLaDA's low-variance form (Nie et al. 2025, appendix B.5): mask exactly l of n tokens and weigh their summed cross-entropy by n/l,
    with l uniform on 1..n; draw k of K takes l from the k-th of K equal strata.
    """
    total = {canvas.index: 0.0 for canvas in canvases}
    for group in in_batches(canvases, batch_tokens):
        batch = as_batch(group)
        count = batch.maskable.sum(axis=1)
        for draw in range(draws):
            rngs = [np.random.default_rng((seed, canvas.index, draw)) for canvas in group]
            masked = np.array([1 + int(n * (draw + rng.random()) / draws) for n, rng in zip(count, rngs)])
            row, nats, _ = masked_scores(model, batch, fixed_count_mask(batch.maskable, masked, rngs))
            sums = np.bincount(row, weights=nats, minlength=len(group))
            for i, canvas in enumerate(group):
                total[canvas.index] += sums[i] * count[i] / masked[i] / draws
    return np.array([total[canvas.index] for canvas in canvases])


@torch.no_grad()
def autoregressive_token_nats(model: LLaDAModelLM, canvases: list[Canvas], batch_tokens: int = 8192) -> list[np.ndarray]:
    """-log p of every token behind the prefix under a causal model, nats, float64; one array a canvas, in the order given."""
    nats_of: dict[int, np.ndarray] = {}
    for group in in_batches([c for c in canvases if len(c.ids) > c.prefix], batch_tokens):
        batch = as_batch(group)
        where = np.nonzero(batch.maskable)
        device = device_of(model)
        ids, row, column, targets = on(device, batch.ids, *where, batch.ids[where])
        hidden = model.hidden(ids, keep_of(batch, device), causal=True)
        nats = masked_cross_entropy(model.logits(hidden[row, column - 1]), targets).cpu().numpy().astype(np.float64)
        for i, canvas in enumerate(group):
            nats_of[canvas.index] = nats[where[0] == i]
    return [nats_of.get(canvas.index, np.zeros(0)) for canvas in canvases]


def autoregressive_nats(model: LLaDAModelLM, canvases: list[Canvas], batch_tokens: int = 8192) -> np.ndarray:
    """The exact negative log-likelihood of each canvas under a causal model, nats, in the order given."""
    return np.array([nats.sum() for nats in autoregressive_token_nats(model, canvases, batch_tokens)])


@dataclass(frozen=True)
class Infill:
    """How a model filled masks at one go, each with its most probable token."""

    right: int
    asked: int
    whole: int  # texts whose masks were all filled right
    texts: int

    def summary(self) -> dict:
        return {"top1": round(self.right / self.asked, 4), "exact": round(self.whole / self.texts, 4), "tokens": self.asked, "texts": self.texts}


def infill(
    model: LLaDAModelLM, canvases: list[Canvas], choose: Callable[[np.ndarray, list[np.random.Generator]], np.ndarray], seed: int,
    batch_tokens: int = 8192,
) -> Infill:
    """Mask what `choose(maskable text positions B x L, one generator a row)` says and fill it in. EOS is no word to guess."""
    total = [0, 0, 0, 0]
    for group in in_batches(canvases, batch_tokens):
        batch = as_batch(group)
        rngs = [np.random.default_rng((seed, canvas.index)) for canvas in group]
        mask = choose(batch.maskable & (batch.ids != EOS), rngs)
        row, _, correct = masked_scores(model, batch, mask)
        wrong = np.bincount(row, weights=~correct, minlength=len(group))[mask.any(axis=1)]
        total = [a + b for a, b in zip(total, (int(correct.sum()), len(correct), int((wrong == 0).sum()), len(wrong)))]
    return Infill(*total)


def share_of_text(share: float) -> Callable[[np.ndarray, list[np.random.Generator]], np.ndarray]:
    """Masks a share of each text, at least one token, at random."""
    return lambda text, rngs: fixed_count_mask(text, np.maximum(1, np.round(share * text.sum(axis=1))).astype(int), rngs)


def span_of_text(size: int) -> Callable[[np.ndarray, list[np.random.Generator]], np.ndarray]:
    """Masks `size` neighbouring tokens at a random place of each text that has more than that."""

    def choose(text: np.ndarray, rngs: list[np.random.Generator]) -> np.ndarray:
        mask = np.zeros_like(text)
        for row, rng in enumerate(rngs):
            places = np.flatnonzero(text[row])
            if len(places) > size:
                start = int(rng.integers(0, len(places) - size + 1))
                mask[row, places[start : start + size]] = True
        return mask

    return choose


def bits_per_byte(nats: np.ndarray, canvases: list[Canvas]) -> float:
    return float(nats.sum() / math.log(2) / sum(canvas.bytes for canvas in canvases))
