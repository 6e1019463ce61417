"""Plain counts over a set of texts, each a list of token ids: what a low perplexity alone would hide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


def unigram_entropy(texts: Sequence[Sequence[int]]) -> float:
    """Entropy of the pooled token frequencies, nats."""
    counts = np.array(list(Counter(t for text in texts for t in text).values()), dtype=np.float64)
    p = counts / counts.sum()
    return float(-(p * np.log(p)).sum())


def distinct(texts: Sequence[Sequence[int]], n: int = 2) -> float:
    """Share of different n-grams among all n-grams of the set (Li et al. 2016)."""
    grams = [gram for text in texts for gram in ngrams(text, n)]
    return len(set(grams)) / max(1, len(grams))


def repeated(texts: Sequence[Sequence[int]], n: int = 4) -> float:
    """Share of n-grams that occurred earlier in the same text."""
    again = total = 0
    for text in texts:
        grams = ngrams(text, n)
        again += len(grams) - len(set(grams))
        total += len(grams)
    return again / max(1, total)


def ngrams(text: Sequence[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def summary(texts: Sequence[Sequence[int]]) -> dict:
    return {
        "unigram_entropy": round(unigram_entropy(texts), 3),
        "distinct_2": round(distinct(texts, 2), 3),
        "repeated_4": round(repeated(texts, 4), 4),
    }
