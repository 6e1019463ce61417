import math

import numpy as np
import pytest
import torch

from training.config import CorruptionConfig, ModelConfig
from training.corruption import at_step, draw_noise, mask_counts, scattered_mask, span_mask, stratified_times
from training.model import LLaDAModelLM
from training.objective import Batch, autoregressive_loss, masked_cross_entropy, mdlm_loss
from training.tokenizer import EOS, MASK, TEXT


def test_times_are_stratified() -> None:
    for seed in range(50):
        t = np.sort(stratified_times(16, 1e-3, np.random.default_rng(seed)))
        cells = ((t - 1e-3) / (1 - 1e-3) * 16).round(9)
        assert t.min() >= 1e-3 and t.max() <= 1.0
        assert np.allclose(np.diff(cells), 1.0), "one time in each stratum, evenly spaced"


def test_scattered_masks_have_their_count_and_keep_the_prefix() -> None:
    maskable = np.ones((4, 300), dtype=bool)
    maskable[:, :100] = False
    maskable[3, 110:] = False
    counts = mask_counts(maskable, np.array([0.001, 0.354, 1.0, 0.25]))
    assert counts.tolist() == [1, 71, 200, 3]
    times_masked = np.zeros(300)
    for seed in range(400):
        mask = scattered_mask(maskable, counts, np.random.default_rng(seed))
        assert not (mask & ~maskable).any() and mask.sum(axis=1).tolist() == counts.tolist()
        times_masked += mask[1]
    assert np.allclose(times_masked[100:] / 400, 0.355, atol=0.11), "every position as often as any other (4.6 sigma)"


@pytest.mark.parametrize("t", [0.01, 0.15, 0.5, 0.9, 1.0])
def test_spans_mask_exactly_their_share_in_runs(t: float) -> None:
    maskable = np.zeros(220, dtype=bool)
    maskable[10:210] = True
    rng = np.random.default_rng(2)
    runs = []
    for _ in range(100):
        wanted = int(mask_counts(maskable[None], np.array([t]))[0])
        mask = span_mask(maskable, wanted, 6.0, rng)
        assert mask.sum() == wanted == max(1, round(t * 200)) and not mask[~maskable].any()
        runs.append(mask.sum() / max(1, (np.diff(mask.astype(int)) == 1).sum()))
    print(f"t {t}: mean run {np.mean(runs):.1f} tokens")
    if 0.1 < t < 0.9:
        assert np.mean(runs) > 1.5 / (1 - t), "longer than independent masks would make"


def test_the_share_of_span_rows_and_their_weight() -> None:
    maskable = np.ones((400, 50), dtype=bool)
    noise = draw_noise(maskable, CorruptionConfig(span_share=1.0), np.random.default_rng(3))
    assert np.allclose(noise.weight[noise.mask], np.repeat(50 / noise.mask.sum(axis=1), noise.mask.sum(axis=1)))
    assert not noise.replaced.any() and (noise.scored == noise.mask).all()


def test_a_run_opens_with_few_masks_and_widens_to_the_full_range() -> None:
    config = CorruptionConfig(opening_steps=100)
    ranges = [(c.t_min, c.t_max) for c in (at_step(config, step) for step in (0, 50, 100, 1000))]
    assert np.allclose(ranges, [(0.1, 0.4), (0.0505, 0.7), (1e-3, 1.0), (1e-3, 1.0)])


def test_replacement_touches_visible_text_only_and_only_when_asked() -> None:
    maskable = np.ones((50, 200), dtype=bool)
    maskable[:, :3] = False
    config = CorruptionConfig(replace_batch_share=1.0, replace_rate=0.2)
    noise = draw_noise(maskable, config, np.random.default_rng(4))
    assert not (noise.replaced & (noise.mask | ~maskable)).any()
    visible = (maskable & ~noise.mask).sum()
    assert abs(noise.replaced.sum() / visible - 0.2) < 0.03
    assert (noise.scored == maskable).all(), "tokens left as they were are scored too: most visible tokens are right"
    assert (noise.weight[noise.scored & ~noise.mask] == 1).all()
    rare = [draw_noise(maskable, CorruptionConfig(replace_batch_share=0.25), np.random.default_rng(i)).replaced.any() for i in range(300)]
    assert abs(np.mean(rare) - 0.25) < 0.1


class FixedModel:
    """Stands in for the network: its logits are the same chosen row at every position."""

    def __init__(self, row: list[float]) -> None:
        self.row = torch.tensor(row)
        self.config = ModelConfig(vocab_size=len(row))
        self.cos = torch.zeros(1)

    def hidden(self, ids, keep=None, causal=False):
        return torch.zeros(*ids.shape, 1)

    def logits(self, hidden):
        return self.row.expand(*hidden.shape[:-1], -1)


def test_the_loss_of_a_hand_computed_case() -> None:
    """Vocabulary of 5 with the mask's logit huge, which must not matter. Probabilities of ids 1..4: 1/8, 1/8, 1/4, 1/2.

    One row, 3 maskable positions with targets 4, 3, 1: -log p = ln 2, ln 4, ln 8. All of them masked as one span row with t near 1:
    weight 3/3. Loss = (1 + 2 + 3) ln 2 / 3 = 2 ln 2.
    """
    model = FixedModel([99.0, 0.0, 0.0, math.log(2), math.log(4)])
    batch = Batch(np.array([[6, TEXT, 4, 3, 1, EOS]]), np.array([2]), np.array([5]))
    rng = np.random.default_rng(0)
    loss, nats = mdlm_loss(model, batch, CorruptionConfig(t_min=1.0, span_share=1.0), rng)
    assert loss.item() == pytest.approx(2 * math.log(2), rel=1e-6)
    assert nats.item() == pytest.approx(2 * math.log(2), rel=1e-6)


def test_the_weight_is_one_over_the_masked_share() -> None:
    """Every position costs ln 2 (two equal classes), so each row of n maskable positions costs l * n / l, and the mean is ln 2."""
    model = FixedModel([5.0, 0.0, 0.0])
    batch = Batch(np.ones((8, 40), dtype=np.int64), np.full(8, 2), np.full(8, 40))
    loss, _ = mdlm_loss(model, batch, CorruptionConfig(span_share=0.0), np.random.default_rng(7))
    assert loss.item() == pytest.approx(math.log(2), rel=1e-5)


def test_replaced_and_kept_tokens_are_predicted_at_weight_one() -> None:
    """As above, and the visible positions of each row add their number times ln 2."""
    model = FixedModel([5.0, 0.0, 0.0])
    model.config.vocab_size = 60
    batch = Batch(np.ones((8, 40), dtype=np.int64), np.full(8, 2), np.full(8, 40))
    config = CorruptionConfig(span_share=0.0, replace_batch_share=1.0, replace_rate=0.2)
    loss, nats = mdlm_loss(model, batch, config, np.random.default_rng(7))
    masked = draw_noise(batch.maskable, config, np.random.default_rng(7)).mask.sum()
    assert loss.item() == pytest.approx(math.log(2) * (1 + (8 * 38 - masked) / (8 * 38)), rel=1e-5)
    assert nats.item() == pytest.approx(math.log(2), rel=1e-6)


def test_a_shifted_model_is_read_one_position_before() -> None:
    """With shift 1 the loss of a token comes from the hidden state before it: the first text token's from the end of the prefix."""
    torch.manual_seed(0)
    config = ModelConfig(
        d_model=32, n_layers=2, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=60, max_sequence_length=32, shift=1
    )
    model = LLaDAModelLM(config)
    batch = Batch(np.array([[6, TEXT, 40, 41, 42, 43]]), np.array([2]), np.array([6]))
    loss, _ = mdlm_loss(model, batch, CorruptionConfig(t_min=1.0), np.random.default_rng(0))
    logits = model(torch.tensor([[6, TEXT, MASK, MASK, MASK, MASK]]))[0, 1:5]
    assert loss.item() == pytest.approx(masked_cross_entropy(logits, torch.tensor([40, 41, 42, 43])).mean().item(), rel=1e-5)


def test_every_position_counts_one_in_expectation() -> None:
    """What makes the estimate unbiased: over many draws, weight times masked averages to 1 at every position, scattered or in spans."""
    maskable = np.ones((64, 32), dtype=bool)
    maskable[:, :2] = False
    for spans in (0.0, 1.0):
        counted = np.zeros(32)
        for seed in range(300):
            noise = draw_noise(maskable, CorruptionConfig(span_share=spans), np.random.default_rng(seed))
            counted += (noise.weight * noise.mask).mean(axis=0) / 300
        assert counted[:2].sum() == 0 and counted[2:].mean() == pytest.approx(1, abs=1e-3)
        assert np.abs(counted[2:] - 1).max() < 0.08


def test_padding_and_prefix_are_not_in_the_loss() -> None:
    torch.manual_seed(0)
    config = ModelConfig(d_model=32, n_layers=2, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=60, max_sequence_length=32)
    model = LLaDAModelLM(config)
    short = np.array([[6, TEXT, 40, 41, 42, EOS]])
    padded = np.concatenate([short, np.full((1, 4), 50)], axis=1)
    config = CorruptionConfig(t_min=1.0, span_share=1.0)
    alone, _ = mdlm_loss(model, Batch(short, np.array([2]), np.array([6])), config, np.random.default_rng(0))
    beside, _ = mdlm_loss(model, Batch(padded, np.array([2]), np.array([6])), config, np.random.default_rng(0))
    assert alone.item() == pytest.approx(beside.item(), abs=1e-5)


def test_the_mask_token_is_never_predicted() -> None:
    nats = masked_cross_entropy(torch.tensor([[50.0, 0.0, 0.0]]), torch.tensor([1]))
    assert nats.item() == pytest.approx(math.log(2))
    assert MASK == 0


def test_the_autoregressive_loss_sees_no_future() -> None:
    torch.manual_seed(0)
    model = LLaDAModelLM(ModelConfig(d_model=32, n_layers=2, n_heads=2, n_kv_heads=2, mlp_hidden_size=64, vocab_size=60, max_sequence_length=32))
    ids = torch.randint(32, 60, (2, 12))
    changed = ids.clone()
    changed[:, 8:] = 33
    for keep in (None, torch.ones(2, 12, dtype=torch.bool)):
        before, after = model.hidden(ids, keep, causal=True), model.hidden(changed, keep, causal=True)
        assert torch.allclose(before[:, :8], after[:, :8], atol=1e-5) and not torch.allclose(before[:, 8:], after[:, 8:], atol=1e-3)
    batch = Batch(ids.numpy(), np.array([2, 2]), np.array([12, 10]))
    loss, _ = autoregressive_loss(model, batch)
    logits = model.logits(model.hidden(ids, None, causal=True))[:, 1:-1]
    by_hand = masked_cross_entropy(logits.reshape(-1, 60), ids[:, 2:].reshape(-1)).view(2, 10)
    assert loss.item() == pytest.approx((by_hand[0].sum() + by_hand[1, :8].sum()).item() / 18, rel=1e-4)
