"""What the model is asked to minimise, on one packed batch.

`mdlm`: the weighted cross-entropy that bounds the negative log-likelihood of the text (Sahoo et al. 2024, MDLM, equation 11; Nie et al.
2025, LLaDA, equation 3). `autoregressive`: next-token cross-entropy of the same network under a causal mask.
Both condition on the prefix and count EOS tokens that exist in the canvas. B: rows, L: length, M: predicted positions, V: vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.config import CorruptionConfig
from training.corruption import draw_noise
from training.model import LLaDAModelLM
from training.tokenizer import FIRST_STYLE, MASK, STYLE_SLOTS

FIRST_TEXT_ID = FIRST_STYLE + STYLE_SLOTS + 2  # ids from here on are bytes and merges: what a random replacement is drawn from


@dataclass(frozen=True)
class Batch:
    ids: np.ndarray  # int64, B x L
    prefix: np.ndarray  # int64, B: tokens of the conditioning prefix
    length: np.ndarray  # int64, B: tokens that exist

    @property
    def exists(self) -> np.ndarray:  # bool, B x L
        return np.arange(self.ids.shape[1]) < self.length[:, None]

    @property
    def maskable(self) -> np.ndarray:  # bool, B x L
        return self.exists & (np.arange(self.ids.shape[1]) >= self.prefix[:, None])


def device_of(model: LLaDAModelLM) -> torch.device:
    return model.cos.device


def keep_of(batch: Batch, device: torch.device) -> Tensor | None:
    """The attention mask of a batch, None where nothing is padding (the faster kernel)."""
    return None if (batch.length == batch.ids.shape[1]).all() else torch.from_numpy(batch.exists).to(device)


def on(device: torch.device, *arrays: np.ndarray) -> list[Tensor]:
    """numpy arrays as tensors of the model's device, shapes and types kept."""
    return [torch.from_numpy(array).to(device, non_blocking=True) for array in arrays]


def masked_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-log p(target) in nats, the mask token being no class at all (MDLM's zero masking probability). M x V, M -> M, float32.

    The mask is id 0, so leaving it out is a slice; filling its column with minus infinity costs two more copies of M x V (measured:
    3% of a step).
    """
    return F.cross_entropy(logits[:, MASK + 1 :].float(), targets - (MASK + 1), reduction="none")


def mdlm_loss(model: LLaDAModelLM, batch: Batch, config: CorruptionConfig, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """(loss, unweighted cross-entropy of the masked positions), nats per token.

    loss = sum over scored positions of weight * -log p(x0 | canvas), divided by the number of maskable positions.
    """
    maskable = batch.maskable
    noise = draw_noise(maskable, config, rng)
    canvas = np.where(noise.mask, MASK, batch.ids)  # B x L
    if noise.replaced.any():
        canvas = np.where(noise.replaced, rng.integers(FIRST_TEXT_ID, model.config.vocab_size, canvas.shape), canvas)
    where = np.nonzero(noise.scored)  # M, M
    device = device_of(model)
    canvas, row, column, targets, weight, masked = on(device, canvas, *where, batch.ids[where], noise.weight[where], noise.mask[where])
    hidden = model.hidden(canvas, keep_of(batch, device))  # B x L x D
    nats = masked_cross_entropy(model.logits(hidden[row, column - model.config.shift]), targets)  # M
    loss = (weight * nats).sum() / int(maskable.sum())
    return loss, nats.detach()[masked].mean()


def autoregressive_loss(model: LLaDAModelLM, batch: Batch) -> tuple[Tensor, Tensor]:
    """(loss, loss): mean next-token cross-entropy over text and EOS positions, nats per token."""
    where = np.nonzero(batch.maskable)  # M, M; columns >= 1 since a prefix has at least two tokens
    device = device_of(model)
    ids, row, column, targets = on(device, batch.ids, *where, batch.ids[where])
    hidden = model.hidden(ids, keep_of(batch, device), causal=True)  # B x L x D
    loss = masked_cross_entropy(model.logits(hidden[row, column - 1]), targets).mean()
    return loss, loss.detach()
