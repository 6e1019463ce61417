"""The claims made for diffusion, each with the figures that support or refute it. Everything on fixed validation documents, seeded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from training.likelihood import Canvas, as_batch, autoregressive_token_nats, in_batches
from training.model import LLaDAModelLM
from training.objective import FIRST_TEXT_ID, keep_of, masked_cross_entropy
from training.tokenizer import EOS, MASK

HOLE = (24, 40)  # text positions masked for `coherence`
WINDOW = 64  # text tokens of such a document
BUCKET = 8  # positions averaged for `exposure`


@torch.no_grad()
def coherence(model: LLaDAModelLM, twin: LLaDAModelLM, canvases: Sequence[Canvas], documents: int) -> dict:
    """Filling a hole of 16 tokens: what both sides are worth over the left side alone. Nats per token of the true filling.

    The hole is filled from the left, one token an evaluation, so that the diffusion model and the twin factorise alike.
    """
    chosen = [c for c in canvases if len(c.ids) >= c.prefix + WINDOW and EOS not in c.ids[: c.prefix + WINDOW]][:documents]
    ids = torch.tensor([c.ids[: c.prefix + WINDOW] for c in chosen])  # B x L
    prefix = chosen[0].prefix
    first, last = prefix + HOLE[0], prefix + HOLE[1]
    result: dict = {"documents": len(chosen), "hole_tokens": last - first}
    for name, right_side in (("both_sides", True), ("left_only", False)):
        canvas = ids.clone()
        canvas[:, first:last] = MASK
        if not right_side:
            canvas[:, last:] = MASK
        nats, hits = [], []
        for position in range(first, last):
            for part in range(0, len(ids), 64):
                rows = slice(part, part + 64)
                logits = model.logits(model.hidden(canvas[rows])[:, position - model.config.shift])
                nats.append(masked_cross_entropy(logits, ids[rows, position]).sum().item())
                hits.append((logits[:, MASK + 1 :].argmax(-1) + MASK + 1 == ids[rows, position]).sum().item())
            canvas[:, position] = ids[:, position]
        asked = len(ids) * (last - first)
        result[name] = {"nats_per_token": round(sum(nats) / asked, 3), "top1": round(sum(hits) / asked, 4)}
    windows = [Canvas(c.ids[: prefix + WINDOW], prefix, c.bytes, i, c.style) for i, c in enumerate(chosen)]
    spans = [nats[HOLE[0] : HOLE[1]] for nats in autoregressive_token_nats(twin, windows)]
    result["twin_left_only"] = {"nats_per_token": round(float(np.mean(spans)), 3)}
    return result


@torch.no_grad()
def editing(model: LLaDAModelLM, canvases: Sequence[Canvas], rate: float, seed: int) -> dict:
    """Texts with a share of random tokens and no mask: does the model see which tokens are wrong, and what should stand there?

    `auc`: probability that a wrong token has a lower probability at its place than a right one. `repaired`: wrong tokens whose likeliest
    replacement is the original. `precision_at_0.9`, `recall_at_0.9`: of tokens that another beats with probability 0.9 and more.
    """
    p_kept, wrong, fixed, sure = [], [], [], []
    for group in in_batches(list(canvases), 8192):
        batch = as_batch(group)
        text = batch.maskable & (batch.ids != EOS)
        corrupted, noise = batch.ids.copy(), np.zeros_like(text)
        for row, canvas in enumerate(group):
            rng = np.random.default_rng((seed, canvas.index))
            noise[row] = text[row] & (rng.random(text.shape[1]) < rate)
            corrupted[row] = np.where(noise[row], rng.integers(FIRST_TEXT_ID, model.config.vocab_size, text.shape[1]), corrupted[row])
        row, column = np.nonzero(text)
        hidden = model.hidden(torch.from_numpy(corrupted), keep_of(batch, model.cos.device))
        logits = model.logits(hidden[torch.from_numpy(row), torch.from_numpy(column - model.config.shift)]).float()
        logits[:, MASK] = float("-inf")
        p = torch.softmax(logits, -1)
        best, token = p.max(-1)
        here, true = torch.from_numpy(corrupted[row, column]), torch.from_numpy(batch.ids[row, column])
        p_kept.append(p.gather(1, here[:, None])[:, 0].numpy())
        wrong.append((here != true).numpy())
        fixed.append((token == true).numpy())
        sure.append(((best >= 0.9) & (token != here)).numpy())
    p, w, f, s = (np.concatenate(part) for part in (p_kept, wrong, fixed, sure))
    ranks = np.empty(len(p))
    ranks[p.argsort(kind="stable")] = np.arange(1, len(p) + 1)
    right, bad = int((~w).sum()), int(w.sum())
    auc = (ranks[~w].sum() - right * (right + 1) / 2) / (right * bad)
    return {
        "tokens": len(p), "wrong": bad, "auc": round(float(auc), 4), "repaired": round(float(f[w].mean()), 4),
        "left_alone": round(float(f[~w].mean()), 4),
        "precision_at_0.9": round(float((w & s).sum() / max(1, s.sum())), 4), "recall_at_0.9": round(float((w & s).sum() / bad), 4),
    }


def exposure(own: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> list[dict]:
    """Mean nats of own generations at text positions k, and of real texts there, both under one independent scorer.

    A model that suffers from its own mistakes drifts: the excess over real text grows with k.
    """
    longest = min(max(len(n) for n in own), max(len(n) for n in real))
    rows = []
    for start in range(0, longest - BUCKET + 1, BUCKET):
        mean = [float(np.mean(np.concatenate([n[start : start + BUCKET] for n in texts]))) for texts in (own, real)]
        rows.append({"position": start, "own": round(mean[0], 3), "real": round(mean[1], 3), "excess": round(mean[0] - mean[1], 3)})
    return rows
