import json
import math

import pytest
import torch

from training.config import OptimiserConfig
from training.model_folder import Description, write_folder
from training.schedule import learning_rate
from training.styles import STYLES
from training.tests.conftest import REPOSITORY
from training.tests.overfit import overfit
from training.train import Trainer, load_averaged, run


def test_the_schedule_warms_up_holds_and_decays() -> None:
    config = OptimiserConfig(learning_rate=1.0, warmup_steps=10, total_steps=100, decay_steps=25)
    rates = [learning_rate(step, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == pytest.approx(1.0)
    assert rates[10:76] == [1.0] * 66
    assert rates[76] == pytest.approx(24 / 25) and rates[99] == pytest.approx(1 / 25) and rates[100] == 0
    assert all(later <= earlier for earlier, later in zip(rates[10:], rates[11:]))


def test_moving_the_end_leaves_the_stable_part_as_it_was() -> None:
    short, long = (OptimiserConfig(total_steps=total, decay_steps=100, warmup_steps=10) for total in (500, 900))
    assert [learning_rate(s, short) for s in range(400)] == [learning_rate(s, long) for s in range(400)]


def losses_of(trainer: Trainer, steps: int) -> list[float]:
    return [trainer.train_step()["loss"] for _ in range(steps)]


def test_the_same_seed_gives_the_same_curve_and_another_seed_another(run_config, data_dir) -> None:
    first, second = losses_of(Trainer(run_config, data_dir), 50), losses_of(Trainer(run_config, data_dir), 50)
    print("largest difference over 50 steps:", max(abs(a - b) for a, b in zip(first, second)))
    assert first == pytest.approx(second, abs=1e-3)
    run_config.seed = 2
    assert losses_of(Trainer(run_config, data_dir), 5) != pytest.approx(first[:5], abs=1e-3)


@pytest.mark.parametrize("objective", ["mdlm", "autoregressive"])
def test_a_resumed_run_is_the_uninterrupted_run(objective, run_config, data_dir, tmp_path) -> None:
    whole = Trainer(run_config, data_dir, objective)
    expected = losses_of(whole, 24)
    before = Trainer(run_config, data_dir, objective)
    losses = losses_of(before, 11)
    before.save(tmp_path / "checkpoint.pt")
    after = Trainer(run_config, data_dir, objective)
    after.load(tmp_path / "checkpoint.pt")
    losses += losses_of(after, 13)
    assert losses == pytest.approx(expected, abs=1e-5)
    assert after.visits == whole.visits
    for name, tensor in whole.ema.items():
        assert torch.allclose(tensor, after.ema[name], atol=1e-6), name


def test_a_run_with_muon_and_summed_batches_resumes_as_well(run_config, data_dir, tmp_path) -> None:
    run_config.optimiser.muon, run_config.optimiser.micro_batches = True, 2
    whole = Trainer(run_config, data_dir)
    expected = losses_of(whole, 8)
    before = Trainer(run_config, data_dir)
    losses = losses_of(before, 3)
    before.save(tmp_path / "checkpoint.pt")
    after = Trainer(run_config, data_dir)
    after.load(tmp_path / "checkpoint.pt")
    assert losses + losses_of(after, 5) == pytest.approx(expected, abs=1e-5)
    assert after.visits == whole.visits and len(after.optimiser.parts) == 2


def test_a_run_starts_from_another_objective_and_counts_its_budget(run_config, data_dir, tokenizer_json, tmp_path) -> None:
    trunk = Trainer(run_config, data_dir, "autoregressive")
    losses_of(trunk, 4)
    (tmp_path / "trunk").mkdir()
    trunk.save(tmp_path / "trunk" / "checkpoint.pt")
    description = Description(
        id="t", title="T", description="", licence="apache-2.0", styles=STYLES,
        training={"objective": "autoregressive", "token_visits": trunk.visits, "hours": 0.5},
    )
    write_folder(tmp_path / "folder", trunk.model, tokenizer_json, description)
    for origin, tolerance in (("trunk", 0.0), ("folder", 1e-3)):  # a model folder holds float16
        model = Trainer(run_config, data_dir)
        model.start_from(tmp_path / origin)
        assert model.step == 0 and model.visits == trunk.visits
        assert model.origin == {"objective": "autoregressive", "token_visits": trunk.visits}
        for name, tensor in trunk.model.state_dict().items():
            assert torch.allclose(model.model.state_dict()[name], tensor, rtol=0, atol=tolerance), name
        losses_of(model, 1)
        assert model.visits > trunk.visits


def test_a_run_logs_validates_and_goes_on_from_its_checkpoint(run_config, data_dir, tmp_path) -> None:
    valid = [json.loads(line) for line in (REPOSITORY / "training/tests/data/valid.jsonl").read_text(encoding="utf-8").splitlines()]
    (data_dir / "validation.json").write_text(json.dumps(valid))
    run(Trainer(run_config, data_dir), data_dir, tmp_path, stop_after_seconds=0.0)
    assert load_averaged(tmp_path)[1]["step"] == 1
    run(Trainer(run_config, data_dir), data_dir, tmp_path)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 60 and math.isfinite(log[-1]["validation_bits_per_byte"])
    assert {"loss", "tokens_per_second", "visits", "minutes_left"} <= set(log[-2])
    print("tokens/s:", round(log[-2]["tokens_per_second"]), "bits per byte:", round(log[-1]["validation_bits_per_byte"], 2))
    with pytest.raises(ValueError, match="--objective"):
        Trainer(run_config, data_dir, "autoregressive").load(tmp_path / "checkpoint.pt")


def test_four_sentences_are_learned_by_heart(tmp_path) -> None:
    _, _, losses = overfit(tmp_path, steps=260)
    start, end = sum(losses[:10]) / 10, sum(losses[-30:]) / 30
    print(f"loss {start:.2f} -> {end:.4f} nats per token")
    assert end < 0.12 < 3 < start
