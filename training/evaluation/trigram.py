"""A trigram model of the training canvases: a scorer that is neither of the two models that are compared.

Interpolated with Witten and Bell's weights (1991; Chen & Goodman 1998, section 2.4):
p(w | h) = (c(h w) + d(h) p(w | shorter h)) / (c(h) + d(h)), d(h) being the different tokens seen behind h; below stands the uniform law.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.tokenizer import EOS, TEXT

ORDER = 3


class Trigram:
    """Counts as sorted arrays of keys: one key a history, one a history with its next token."""

    def __init__(self, texts: list[np.ndarray], vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.tables = []
        for order in range(1, ORDER + 1):
            history, grams = (np.concatenate(part) for part in zip(*(self._keys(text, order) for text in texts)))
            gram_keys, gram_counts = np.unique(grams, return_counts=True)
            keys, counts = np.unique(history, return_counts=True)
            kinds = np.unique(gram_keys // vocabulary, return_counts=True)[1]
            self.tables.append((keys, counts, kinds, gram_keys, gram_counts))

    @classmethod
    def of_canvases(cls, data_dir: Path, vocabulary: int) -> Trigram:
        """From what `training.pack` wrote: the text of every canvas, up to and with its first EOS."""
        texts = []
        for path in sorted(data_dir.glob("canvas-*.npy")):
            size = int(path.stem.split("-")[1])
            prefixes, lengths = np.load(data_dir / f"prefix-{size}.npy"), np.load(data_dir / f"length-{size}.npy")
            for row, prefix, length in zip(np.load(path), prefixes, lengths):
                text = row[prefix:length]
                end = np.flatnonzero(text == EOS)
                texts.append(text[: end[0] + 1] if len(end) else text)
        return cls(texts, vocabulary)

    def _keys(self, text: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys of the history before each token, and of history and token. <|text|> stands before the beginning."""
        padded = np.concatenate((np.full(ORDER - 1, TEXT), text)).astype(np.int64)
        history = np.zeros(len(text), dtype=np.int64)
        for back in range(order - 1, 0, -1):
            history = history * self.vocabulary + padded[ORDER - 1 - back : len(padded) - back]
        return history, history * self.vocabulary + padded[ORDER - 1 :]

    def nats(self, text: list[int]) -> np.ndarray:
        """-log p of each token of a text, nats, float64."""
        ids = np.asarray(text, dtype=np.int64)
        p = np.full(len(ids), 1.0 / self.vocabulary)
        for order, (keys, counts, kinds, gram_keys, gram_counts) in enumerate(self.tables, start=1):
            history, grams = self._keys(ids, order)
            at = np.minimum(np.searchsorted(keys, history), len(keys) - 1)
            known = keys[at] == history
            c, d = np.where(known, counts[at], 0), np.where(known, kinds[at], 0)
            gram_at = np.minimum(np.searchsorted(gram_keys, grams), len(gram_keys) - 1)
            seen = np.where(gram_keys[gram_at] == grams, gram_counts[gram_at], 0)
            p = np.where(known, (seen + d * p) / np.maximum(c + d, 1), p)
        return -np.log(p)
