"""The noise: how much of each canvas is masked, and where.

Absorbing-mask diffusion on a log-linear schedule: at time t a share t of the text tokens is masked (Sahoo et al. 2024, MDLM,
section 3; Nie et al. 2025, LLaDA, section 2). Everything here is numpy and seeded, so that a step's noise is a function of seed and step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.config import CorruptionConfig


@dataclass(frozen=True)
class Noise:
    mask: np.ndarray  # bool, rows x length: True where a mask stands
    replaced: np.ndarray  # bool, rows x length: visible tokens to replace by random ones
    scored: np.ndarray  # bool, rows x length: positions in the loss; the masked ones and, where tokens were replaced, all visible ones
    weight: np.ndarray  # float32, rows x length: what a position counts in the loss


def stratified_times(rows: int, t_min: float, rng: np.random.Generator, t_max: float = 1.0) -> np.ndarray:
    """Low-discrepancy times: one in each of `rows` equal parts of [t_min, t_max], in random order (MDLM, section 3.5). float64, rows."""
    offset = rng.random()
    strata = (offset + np.arange(rows)) / rows % 1.0
    return rng.permutation(t_min + (t_max - t_min) * strata)


def mask_counts(maskable: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Masks of each row: ceil(t n), so that uniform t makes every count from 1 to n as likely (LLaDA, appendix B.5). int, rows."""
    return np.maximum(1, np.ceil(t * maskable.sum(axis=1))).astype(int)


def scattered_mask(maskable: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mask exactly counts[i] maskable positions of row i, chosen at random. bool, rows x length.

    A fixed count has the expectation of independent masks at a lower variance, and no row goes without one.
    """
    keys = np.where(maskable, rng.random(maskable.shape), 2.0)
    rank = keys.argsort(axis=1).argsort(axis=1)
    return maskable & (rank < counts[:, None])


def span_mask(maskable: np.ndarray, wanted: int, mean: float, rng: np.random.Generator) -> np.ndarray:
    """Mask spans of geometric length (mean `mean`) at random places of one row until `wanted` are masked. bool, length.

    The last span is shortened so that the count is exact: infilling asks for holes, not for pepper.
    """
    places = np.flatnonzero(maskable)
    chosen = np.zeros(len(places), dtype=bool)
    left = wanted
    while left > 0:
        length = min(int(rng.geometric(1.0 / mean)), left)
        start = int(rng.integers(0, len(places)))
        covered = (start + np.arange(length)) % len(places)  # around the end, so that no position is masked less often than others
        fresh = covered[~chosen[covered]]
        chosen[fresh] = True
        left -= len(fresh)
    mask = np.zeros_like(maskable)
    mask[places[chosen]] = True
    return mask


def at_step(config: CorruptionConfig, step: int) -> CorruptionConfig:
    """The noise of one step: while a run opens, t keeps to a range of few masks that widens linearly to the full one.

    A mask teaches most when its neighbours are visible, and few are under uniform t (a sixth of the tokens). Measured on 0.5M token
    visits of the first model: masked cross-entropy falls below the unigram entropy with the opening, and not in 1.4M without.
    """
    if step >= config.opening_steps:
        return config
    way = step / config.opening_steps
    return replace(
        config,
        t_min=config.opening_t_min + way * (config.t_min - config.opening_t_min),
        t_max=config.opening_t_max + way * (config.t_max - config.opening_t_max),
    )


def draw_noise(maskable: np.ndarray, config: CorruptionConfig, rng: np.random.Generator) -> Noise:
    """Noise for one batch. `maskable` (bool, rows x length) is True at text and EOS positions, False at the prefix and padding.

    A masked position weighs one over the masked share of its row: the NELBO's 1/t under the log-linear schedule. In a batch with
    replaced tokens (LLaDA2.1's and Seed Diffusion's second corruption) every visible position is scored too, at weight 1: the model
    says what should stand there, and has to learn that most visible tokens are right (GIDD, von Rütte et al. 2025).
    """
    rows = maskable.shape[0]
    t = stratified_times(rows, config.t_min, rng, config.t_max)
    counts = np.minimum(mask_counts(maskable, t), maskable.sum(axis=1))
    mask = scattered_mask(maskable, counts, rng)
    for row in np.flatnonzero((rng.random(rows) < config.span_share) & (counts > 0)):
        mask[row] = span_mask(maskable[row], counts[row], config.span_mean, rng)
    replaced = np.zeros_like(mask)
    scored = mask
    if config.replace_batch_share > 0 and rng.random() < config.replace_batch_share:
        replaced = maskable & ~mask & (rng.random(mask.shape) < config.replace_rate)
        scored = maskable
    row_weight = maskable.sum(axis=1) / np.maximum(counts, 1)
    weight = np.where(mask, row_weight[:, None], 1.0).astype(np.float32)
    return Noise(mask=mask, replaced=replaced, scored=scored, weight=weight)
