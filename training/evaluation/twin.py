"""The autoregressive twin: draws texts from it, and scores any text under it.

The twin has the data, tokenizer, size and budget of the diffusion model and a causal mask. It is the yardstick of the claims
made for diffusion, and the declared scorer of generated texts: a small model, that likes what it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.likelihood import Canvas, autoregressive_token_nats
from training.model import LLaDAModelLM
from training.objective import FIRST_TEXT_ID
from training.tokenizer import EOS, PROMPT, STYLE_IDS, TEXT, TextEncoder


def conditioning(style: str, prompt: str | None, encoder: TextEncoder) -> list[int]:
    """`[style] [<|prompt|> request] <|text|>`, as the backend lays it out."""
    request = [PROMPT, *encoder.encode(prompt)] if prompt else []
    return [STYLE_IDS[style], *request, TEXT]


@torch.no_grad()
def sample(
    model: LLaDAModelLM, prefixes: Sequence[list[int]], tokens: int, temperature: float, seed: int, may_end: bool
) -> list[list[int]]:
    """Ancestral samples of the twin, one behind each prefix: at most `tokens` tokens, exactly so many unless `may_end`.

    Prefixes of one length share a batch. A draw depends on seed, prefix number and position, not on the batch.
    """
    texts: list[list[int]] = [[] for _ in prefixes]
    for length in sorted({len(p) for p in prefixes}):
        members = [i for i, p in enumerate(prefixes) if len(p) == length]
        rngs = [np.random.default_rng((seed, i)) for i in members]
        ids = torch.tensor([prefixes[i] for i in members])  # B x L
        ended = torch.zeros(len(members), dtype=torch.bool)
        for _ in range(tokens):
            logits = model.logits(model.hidden(ids, causal=True)[:, -1]).float()  # B x V
            logits[:, [t for t in range(FIRST_TEXT_ID) if t != EOS or not may_end]] = float("-inf")
            p = torch.softmax(logits.double() / temperature, -1)  # in float64: float32 loses the tail
            u = torch.tensor([rng.random() for rng in rngs], dtype=torch.float64)[:, None]
            drawn = torch.searchsorted(p.cumsum(-1), u).clamp(max=p.shape[1] - 1)  # B x 1
            drawn[ended] = EOS
            ended |= drawn[:, 0] == EOS
            ids = torch.cat((ids, drawn), dim=1)
            if ended.all():
                break
        for row, i in enumerate(members):
            text = ids[row, length:].tolist()
            texts[i] = text[: text.index(EOS)] if EOS in text else text
    return texts


@dataclass(frozen=True)
class Scores:
    nats: np.ndarray  # float64, texts: summed over the tokens of each
    tokens: np.ndarray  # int, texts
    bytes: np.ndarray  # int, texts
    by_position: list[np.ndarray]  # nats of each token

    @property
    def perplexity(self) -> float:
        """exp of the mean nats per token, over all tokens."""
        return float(np.exp(self.nats.sum() / max(1, self.tokens.sum())))

    @property
    def bits_per_byte(self) -> float:
        return float(self.nats.sum() / np.log(2) / max(1, self.bytes.sum()))


def score(model: LLaDAModelLM, styles: Sequence[str], texts: Sequence[str], encoder: TextEncoder) -> Scores:
    """Texts under the twin, each behind its style and in the tokenizer's own cut, without the end-of-text token."""
    canvases = []
    for index, (style, text) in enumerate(zip(styles, texts, strict=True)):
        ids = [STYLE_IDS[style], TEXT, *encoder.encode(text)][: model.config.max_sequence_length]
        canvases.append(Canvas(ids, 2, len(text.encode()), index, style))
    by_position = autoregressive_token_nats(model, canvases)
    return Scores(
        nats=np.array([nats.sum() for nats in by_position]),
        tokens=np.array([len(nats) for nats in by_position]),
        bytes=np.array([canvas.bytes for canvas in canvases]),
        by_position=by_position,
    )
