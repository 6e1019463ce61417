"""The learning rate over a run: warm-up, stable, decay (WSD; Hu et al. 2024, MiniCPM, section 4)."""

from __future__ import annotations

from training.config import OptimiserConfig


def learning_rate(step: int, config: OptimiserConfig) -> float:
    """Linear from 0 over `warmup_steps`, constant, then linear to 0 over the last `decay_steps` of `total_steps`.

    The stable part has no memory of the end, so `total_steps` may move while a run is going on.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    left = config.total_steps - step
    if left < config.decay_steps:
        return config.learning_rate * max(left, 0) / config.decay_steps
    return config.learning_rate
