"""Which style does a text sound like? A linear classifier over hashed tokens and pairs of tokens, trained on the corpus.

Simple on purpose: it is a yardstick, and a yardstick should not be cleverer than what it measures. Its held-out accuracy is stated beside
every figure that it gives.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.styles import STYLES
from training.tokenizer import TextEncoder

BUCKETS = 1 << 17  # of hashed pairs, behind the single tokens
HASH = 1_000_003
EPOCHS = 4
BATCH = 256
LEARNING_RATE = 0.02
TOKENS = 40  # how much of a text it reads: as much as the samples have


@dataclass(frozen=True)
class Example:
    text: str
    style: str


def features(text: str, encoder: TextEncoder) -> list[int]:
    """Indices of what occurs in the first TOKENS tokens: each token, each pair, and the end where the text ends there."""
    ids = encoder.encode(text)
    whole = len(ids) <= TOKENS
    ids = ids[:TOKENS]
    pairs = zip([0, *ids], [*ids, 1] if whole else ids)
    return [*ids, *(encoder.size + (a * HASH + b) % BUCKETS for a, b in pairs)]


class StyleClassifier:
    """Multinomial logistic regression; all styles weigh the same, however many texts they have."""

    def __init__(self, encoder: TextEncoder, names: Sequence[str] = tuple(STYLES), seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.encoder, self.names, self.seed = encoder, list(names), seed
        self.weights = nn.EmbeddingBag(encoder.size + BUCKETS, len(self.names), mode="mean")
        nn.init.zeros_(self.weights.weight)

    def fit(self, examples: Sequence[Example], per_style: int = 2000) -> None:
        """Train on up to `per_style` texts of each style; smaller styles are repeated up to as many."""
        rng = random.Random(self.seed)
        drawn: list[tuple[list[int], int]] = []
        for label, name in enumerate(self.names):
            own = [e for e in examples if e.style == name]
            rng.shuffle(own)
            bags = [features(e.text, self.encoder) for e in own[:per_style]]
            drawn += [(bag, label) for bag in (bags * -(-per_style // max(1, len(bags))))[:per_style] if bag]
        optimiser = torch.optim.Adam(self.weights.parameters(), lr=LEARNING_RATE)
        for _ in range(EPOCHS):
            rng.shuffle(drawn)
            for start in range(0, len(drawn), BATCH):
                bags, labels = zip(*drawn[start : start + BATCH])
                loss = nn.functional.cross_entropy(self._logits(bags), torch.tensor(labels))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

    def _logits(self, bags: Sequence[list[int]]) -> Tensor:
        """bags -> B x styles. The mean of a bag, scaled by the root of its size: more evidence, more certainty."""
        sizes = torch.tensor([len(bag) for bag in bags])
        offsets = torch.cat((torch.zeros(1, dtype=torch.long), sizes.cumsum(0)[:-1]))
        flat = torch.tensor([index for bag in bags for index in bag])
        return self.weights(flat, offsets) * sizes[:, None].float().sqrt()

    @torch.no_grad()
    def predict(self, texts: Sequence[str]) -> list[str]:
        bags = [features(text, self.encoder) or [0] for text in texts]
        chosen = [self._logits(bags[i : i + 1024]).argmax(-1) for i in range(0, len(bags), 1024)]
        return [self.names[i] for i in torch.cat(chosen).tolist()] if chosen else []

    def accuracy(self, examples: Sequence[Example]) -> dict:
        """`{mean, by_style}`: share of right answers in each style, and the mean over the styles that have examples."""
        guessed = self.predict([e.text for e in examples])
        by_style = {}
        for name in self.names:
            hits = [g == name for g, e in zip(guessed, examples) if e.style == name]
            if hits:
                by_style[name] = round(float(np.mean(hits)), 4)
        return {"mean": round(float(np.mean(list(by_style.values()))), 4), "texts": len(examples), "by_style": by_style}
