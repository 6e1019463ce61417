"""The optimiser of a run: AdamW, or Muon for the matrices inside the blocks beside AdamW for embeddings and gains.

Muon (Jordan et al. 2024; scaled to AdamW's step size as in Liu et al. 2025, "Muon is scalable for LLM training", section 2.2) makes
every update nearly orthogonal. Its Newton-Schulz iterations cost the same whatever the batch, so it asks for larger batches.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from training.config import OptimiserConfig


class Optimiser:
    """One or two torch optimisers that step together and share a learning rate."""

    def __init__(self, model: nn.Module, config: OptimiserConfig) -> None:
        def inside(name: str, p: nn.Parameter) -> bool:
            return config.muon and p.dim() == 2 and ".blocks." in name

        named = list(model.named_parameters())
        orthogonal = [p for name, p in named if inside(name, p)]
        matrices = [p for name, p in named if p.dim() >= 2 and not inside(name, p)]
        vectors = [p for _, p in named if p.dim() < 2]
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
                lr=config.learning_rate, betas=tuple(config.betas), fused=True,
            )
        ]
        if orthogonal:
            self.parts.append(
                torch.optim.Muon(orthogonal, lr=config.learning_rate, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw")
            )

    def groups(self) -> Iterator[dict]:
        for part in self.parts:
            yield from part.param_groups

    def step(self, learning_rate: float) -> None:
        """Update all parameters at this learning rate and drop their gradients."""
        for group in self.groups():
            group["lr"] = learning_rate
        for part in self.parts:
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)
