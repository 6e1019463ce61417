"""The noise: how much of each canvas is masked, and where.

Absorbing-mask diffusion on a log-linear schedule: at time t each text token is a mask with probability t (Sahoo et al. 2024, MDLM,
section 3; Nie et al. 2025, LLaDA, section 2). Everything here is numpy and seeded, so that a step's noise is a function of seed and step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.config import CorruptionConfig


@dataclass(frozen=True)
class Noise:
    mask: np.ndarray  # bool, rows x length: True where a mask stands
    weight: np.ndarray  # float32, rows: what a masked position of this row counts in the loss
    replaced: np.ndarray  # bool, rows x length: visible tokens to replace by random ones


def stratified_times(rows: int, t_min: float, rng: np.random.Generator, t_max: float = 1.0) -> np.ndarray:
    """Low-discrepancy times: one in each of `rows` equal parts of [t_min, t_max], in random order (MDLM, section 3.5). float64, rows."""
    offset = rng.random()
    strata = (offset + np.arange(rows)) / rows % 1.0
    return rng.permutation(t_min + (t_max - t_min) * strata)


def bernoulli_mask(maskable: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mask each maskable position of row i with probability t[i]. bool, rows x length."""
    return maskable & (rng.random(maskable.shape) < t[:, None])


def span_mask(maskable: np.ndarray, t: float, mean: float, rng: np.random.Generator) -> np.ndarray:
    """Mask spans of geometric length (mean `mean`) at random places of one row until a share t of it is masked. bool, length.

    The last span is shortened so that the count is round(t * n), at least 1: infilling asks for holes, not for pepper.
    """
    places = np.flatnonzero(maskable)
    wanted = max(1, round(t * len(places)))
    chosen = np.zeros(len(places), dtype=bool)
    left = wanted
    while left > 0:
        length = min(int(rng.geometric(1.0 / mean)), left)
        start = int(rng.integers(0, len(places)))
        fresh = np.flatnonzero(~chosen[start : start + length]) + start
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

    Bernoulli rows weigh 1/t (the NELBO's weight under the log-linear schedule); span rows weigh one over the share realised.
    """
    rows = maskable.shape[0]
    t = stratified_times(rows, config.t_min, rng, config.t_max)
    mask = bernoulli_mask(maskable, t, rng)
    weight = 1.0 / t
    maskable_count = maskable.sum(axis=1)
    for row in np.flatnonzero(rng.random(rows) < config.span_share):
        if maskable_count[row] == 0:
            continue
        mask[row] = span_mask(maskable[row], t[row], config.span_mean, rng)
        weight[row] = maskable_count[row] / mask[row].sum()
    replaced = np.zeros_like(mask)
    if config.replace_batch_share > 0 and rng.random() < config.replace_batch_share:
        replaced = maskable & ~mask & (rng.random(mask.shape) < config.replace_rate)
    return Noise(mask=mask, weight=weight.astype(np.float32), replaced=replaced)
