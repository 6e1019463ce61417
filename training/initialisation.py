"""Where the weights start: GPT-2's normal initialisation, and some attention heads that look at a neighbour from the first step.

Masked diffusion models spend their first thousand steps near the unigram entropy until heads that attend by position have formed. A
run of a few thousand steps cannot afford that, so some heads are given it: all embeddings get a common component along
one direction u, and the query and key projections of a local head map u to a vector in the fastest rotary planes, the key's turned
back by `offset` positions. Under RoPE (Su et al. 2021, section 3.2) their product then peaks at that relative offset, whatever the
token. In the spirit of mimetic initialisation (Trockman & Kolter 2023). The architecture is unchanged, and training may undo it.
"""

from __future__ import annotations

import torch
from torch import nn

from training.config import ModelConfig

FAST_PLANES = 4  # rotary planes used: angles 1, 0.75, 0.56, 0.42 radian a position for head size 64
PEAK_SCORE = 12.0  # attention score at the offset; about 9 one position off, so some 90% of the weight at the offset
OFFSETS: tuple[tuple[int, ...], ...] = ((-1, 1, -2, 2), (-1, 1, -3, 3), (-1, 1))  # by layer, one a head; deeper layers take the last


@torch.no_grad()
def initialise(model: nn.Module, config: ModelConfig) -> None:
    """Fill the parameters of an LLaDAModelLM. Uses torch's global generator."""
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        std = config.init_std
        if ".blocks." in name and name.endswith(("attn_out.weight", "ff_out.weight")):
            std /= (2 * config.n_layers) ** 0.5  # projections back into the stream (GPT-2, section 2.3)
        nn.init.normal_(parameter, std=std)
    if config.local_heads:
        localise(model, config)


@torch.no_grad()
def localise(model: nn.Module, config: ModelConfig) -> None:
    """Give the first heads of every layer an offset to look at."""
    width, head_size = config.d_model, config.d_model // config.n_heads
    direction = nn.functional.normalize(torch.randn(width), dim=0)  # D
    transformer = model.model["transformer"]
    transformer["wte"].weight += direction * config.init_std * width**0.5  # half of an embedding's energy
    along = (width / 2) ** 0.5  # component along u of a normalised embedding
    gain = (PEAK_SCORE * head_size**0.5 / FAST_PLANES) ** 0.5 / along
    plane = torch.arange(FAST_PLANES)
    angle = 1.0 / config.rope_theta ** (2 * plane / head_size)  # radians a position
    for layer, block in enumerate(transformer["blocks"]):
        offsets = OFFSETS[min(layer, len(OFFSETS) - 1)]
        for head, offset in enumerate(offsets[: config.n_kv_heads if config.n_kv_heads == config.n_heads else 0]):
            query, key = torch.zeros(head_size), torch.zeros(head_size)
            query[plane] = 1.0
            key[plane] = torch.cos(-offset * angle)
            key[plane + head_size // 2] = torch.sin(-offset * angle)
            rows = slice(head * head_size, (head + 1) * head_size)
            block.q_proj.weight[rows] += gain * torch.outer(query, direction)
            block.k_proj.weight[rows] += gain * torch.outer(key, direction)
