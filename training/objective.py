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

from training.config import CorruptionConfig, ModelConfig
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

    @property
    def padding_mask(self) -> np.ndarray | None:
        """`exists`, or None where nothing is padding (the faster attention kernel)."""
        return None if (self.length == self.ids.shape[1]).all() else self.exists


def device_of(model: LLaDAModelLM) -> torch.device:
    return model.cos.device


def keep_of(batch: Batch, device: torch.device) -> Tensor | None:
    """The attention mask of a batch as a tensor, or None."""
    return None if batch.padding_mask is None else torch.from_numpy(batch.padding_mask).to(device)


def on(device: torch.device, *arrays: np.ndarray) -> list[Tensor]:
    """numpy arrays as tensors of the model's device, shapes and types kept."""
    return [torch.from_numpy(array).to(device, non_blocking=True) for array in arrays]


def masked_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-log p(target) in nats, the mask token being no class at all (MDLM's zero masking probability). M x V, M -> M, float32.

    The mask is id 0, so leaving it out is a slice; filling its column with minus infinity costs two more copies of M x V (measured:
    3% of a step).
    """
    return F.cross_entropy(logits[:, MASK + 1 :].float(), targets - (MASK + 1), reduction="none")


@dataclass(frozen=True)
class Exercise:
    """One batch as the model is asked about it, on the host: what it sees, and what it should have said where."""

    canvas: np.ndarray  # int64, B x L
    exists: np.ndarray | None  # bool, B x L; None: nothing is padding
    row: np.ndarray  # int64, M
    read: np.ndarray  # int64, M: the column whose hidden state answers
    target: np.ndarray  # int64, M
    weight: np.ndarray  # float32, M
    counted: np.ndarray  # bool, M: positions of the plain cross-entropy that is logged
    total: int  # what the weighted sum is divided by
    causal: bool


def masked_exercise(batch: Batch, model: ModelConfig, config: CorruptionConfig, rng: np.random.Generator) -> Exercise:
    """Masks (and replaces) part of the text; asks for what stood there."""
    maskable = batch.maskable
    noise = draw_noise(maskable, config, rng)
    canvas = np.where(noise.mask, MASK, batch.ids)  # B x L
    if noise.replaced.any():
        canvas = np.where(noise.replaced, rng.integers(FIRST_TEXT_ID, model.vocab_size, canvas.shape), canvas)
    where = np.nonzero(noise.scored)  # M, M
    return Exercise(
        canvas=canvas, exists=batch.padding_mask, row=where[0], read=where[1] - model.shift, target=batch.ids[where],
        weight=noise.weight[where], counted=noise.mask[where], total=int(maskable.sum()), causal=False,
    )


def next_token_exercise(batch: Batch) -> Exercise:
    """Asks every position before a text or EOS token for that token."""
    where = np.nonzero(batch.maskable)  # M, M; columns >= 1 since a prefix has at least two tokens
    asked = len(where[0])
    return Exercise(
        canvas=batch.ids, exists=batch.padding_mask, row=where[0], read=where[1] - 1, target=batch.ids[where],
        weight=np.ones(asked, dtype=np.float32), counted=np.ones(asked, dtype=bool), total=asked, causal=True,
    )


def loss_of(model: LLaDAModelLM, exercise: Exercise) -> tuple[Tensor, Tensor]:
    """(loss, unweighted cross-entropy of the counted positions), nats per token.

    loss = sum over positions of weight * -log p(target | canvas), divided by `total`.
    """
    e, device = exercise, device_of(model)
    canvas, row, read, target, weight, counted = on(device, e.canvas, e.row, e.read, e.target, e.weight, e.counted)
    keep = None if e.exists is None else torch.from_numpy(e.exists).to(device, non_blocking=True)
    hidden = model.hidden(canvas, keep, causal=e.causal)  # B x L x D
    nats = masked_cross_entropy(model.logits(hidden[row, read]), target)  # M
    return (weight * nats).sum() / e.total, nats.detach()[counted].mean()


def mdlm_loss(model: LLaDAModelLM, batch: Batch, config: CorruptionConfig, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The diffusion objective on one batch: see `masked_exercise` and `loss_of`."""
    return loss_of(model, masked_exercise(batch, model.config, config, rng))


def autoregressive_loss(model: LLaDAModelLM, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean next-token cross-entropy over text and EOS positions, twice: see `next_token_exercise` and `loss_of`."""
    return loss_of(model, next_token_exercise(batch))
