"""The trainer: `python -m training.train --config C --data-dir PACKED --run-dir RUN`. Start it again to go on where it stopped.

Randomness is a function of seed and step (batches.py, corruption.py), so a resumed run is the same run. The run folder holds
`checkpoint.pt` (model, EMA, optimiser, step, seconds), replaced atomically, and `log.jsonl` (one object a line).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from training.batches import BatchOrder
from training.config import RunConfig, from_dict, load_config, to_dict
from training.corruption import at_step
from training.likelihood import autoregressive_nats, bits_per_byte, canvases_of, nelbo
from training.model import LLaDAModelLM
from training.model_folder import read_folder
from training.objective import Exercise, loss_of, masked_exercise, next_token_exercise
from training.optimiser import Optimiser
from training.schedule import learning_rate
from training.tokenizer import TextEncoder


class Trainer:
    """One run: model, EMA, optimiser and the step they are at."""

    def __init__(self, config: RunConfig, data_dir: Path, objective: str = "mdlm") -> None:
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.config, self.objective = config, objective
        self.batches = BatchOrder(data_dir, config.optimiser.batch_tokens, config.seed)
        self.model = LLaDAModelLM(config.model).to(config.device)
        self.ema = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.optimiser = Optimiser(self.model, config.optimiser)
        if config.compile:
            self.model.hidden = torch.compile(self.model.hidden, dynamic=False)  # one graph a canvas length
        self.maker = ThreadPoolExecutor(1)
        self.ahead: Future[Exercise] | None = None
        self.step = 0
        self.visits = 0  # tokens of canvases seen, prefix and padding included
        self.seconds = 0.0
        self.origin: dict | None = None  # objective and budget of the run whose weights this one started from

    def exercise(self, index: int) -> Exercise:
        """Batch number `index` of the run with its noise: a function of seed and index, so that it can be made ahead."""
        batch = self.batches.at(index)
        if self.objective == "autoregressive":
            return next_token_exercise(batch)
        step = index // self.config.optimiser.micro_batches
        rng = np.random.default_rng((self.config.seed, 11, index))
        return masked_exercise(batch, self.config.model, at_step(self.config.corruption, step), rng)

    def next_exercise(self, index: int) -> Exercise:
        """`exercise(index)`; with a GPU at work, the next one is made meanwhile. On a CPU that would only disturb the threads."""
        if self.config.device == "cpu":
            return self.exercise(index)
        ready = self.ahead.result() if self.ahead is not None else self.exercise(index)
        self.ahead = self.maker.submit(self.exercise, index + 1)
        return ready

    def train_step(self) -> dict[str, float]:
        """One update. Returns loss and unweighted masked cross-entropy, nats per token."""
        settings = self.config.optimiser
        parts = []
        for index in range(self.step * settings.micro_batches, (self.step + 1) * settings.micro_batches):
            exercise = self.next_exercise(index)
            with torch.autocast(self.config.device, torch.bfloat16, enabled=self.config.bf16):
                loss, nats = loss_of(self.model, exercise)
            (loss / settings.micro_batches).backward()
            parts.append((loss.detach(), nats))
            self.visits += exercise.canvas.size
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip)
        self.optimiser.step(learning_rate(self.step, settings))
        decay = min(settings.ema, (1 + self.step) / (10 + self.step))  # a young average forgets its random start quickly
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.values()), [p.detach() for p in self.model.parameters()], 1 - decay)
        self.step += 1
        loss, nats = (torch.stack(column).mean().item() for column in zip(*parts))
        return {"loss": loss, "nats": nats, "norm": norm.item()}

    def save(self, path: Path) -> None:
        """Write a checkpoint beside `path` and move it there, so that a killed run leaves a whole one."""
        temporary = path.with_suffix(".partial")
        torch.save(
            {
                "model": self.model.state_dict(), "ema": self.ema, "optimiser": self.optimiser.state_dict(), "step": self.step,
                "visits": self.visits, "seconds": self.seconds, "objective": self.objective, "origin": self.origin, "config": to_dict(self.config),
            },
            temporary,
        )
        os.replace(temporary, path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True, map_location=self.config.device)
        if state["objective"] != self.objective:
            raise ValueError(f"the checkpoint was trained with --objective {state['objective']}, not {self.objective}")
        self.model.load_state_dict(state["model"])
        self.ahead = None
        self.ema = state["ema"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.visits, self.seconds, self.origin = state["step"], state["visits"], state["seconds"], state["origin"]

    def start_from(self, path: Path) -> None:
        """Take over the weights of another run, whatever its objective, and add its budget to this run's. Steps start at 0.

        `path`: a run folder (its latest weights), or a model folder that `training.export` wrote (the averaged ones).
        """
        if (path / "checkpoint.pt").exists():
            state = torch.load(path / "checkpoint.pt", weights_only=True, map_location=self.config.device)
            weights, objective, self.visits, self.seconds = state["model"], state["objective"], state["visits"], state["seconds"]
        else:
            model, manifest = read_folder(path)
            weights, before = model.state_dict(), manifest["training"]
            objective, self.visits, self.seconds = before["objective"], before["token_visits"], before["hours"] * 3600
        self.model.load_state_dict(weights)
        self.ema = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.origin = {"objective": objective, "token_visits": self.visits}

    def averaged(self) -> LLaDAModelLM:
        """A copy of the model with the EMA weights, in evaluation mode."""
        return with_weights(self.config, self.ema).to(self.config.device)


def with_weights(config: RunConfig, weights: dict[str, torch.Tensor]) -> LLaDAModelLM:
    model = LLaDAModelLM(config.model)
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return model.eval()


def load_averaged(run_dir: Path) -> tuple[LLaDAModelLM, dict]:
    """The EMA model of a run's checkpoint, and the checkpoint."""
    state = torch.load(run_dir / "checkpoint.pt", weights_only=True, map_location="cpu")
    return with_weights(from_dict(RunConfig, state["config"]), state["ema"]), state


def validate(trainer: Trainer, data_dir: Path) -> float:
    """Bits per byte of the EMA model on the fixed validation documents that `pack` chose."""
    records = json.loads((data_dir / "validation.json").read_text())
    canvases = canvases_of(records, TextEncoder.from_file(data_dir / "tokenizer.json"), trainer.config.model.max_sequence_length)
    model = trainer.averaged()
    nats = autoregressive_nats(model, canvases) if trainer.objective == "autoregressive" else nelbo(model, canvases)
    return bits_per_byte(nats, canvases)


def run(trainer: Trainer, data_dir: Path, run_dir: Path, stop_after_seconds: float = float("inf")) -> None:
    """Train to total_steps, logging, validating and writing checkpoints by the clock."""
    config, total = trainer.config, trainer.config.optimiser.total_steps
    run_dir.mkdir(parents=True, exist_ok=True)
    checkpoint = run_dir / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
        print(f"resumed at step {trainer.step}", flush=True)
    started = logged = saved = validated = time.monotonic()
    seconds_before, steps, visits, losses, nats = trainer.seconds, 0, trainer.visits, [], []

    def log(entry: dict) -> None:
        with open(run_dir / "log.jsonl", "a") as file:
            file.write(json.dumps(entry) + "\n")
        print(" ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items()), flush=True)

    while trainer.step < total:
        result = trainer.train_step()
        losses.append(result["loss"])
        nats.append(result["nats"])
        steps += 1
        now = time.monotonic()
        trainer.seconds = seconds_before + now - started
        last = trainer.step == total or now - started > stop_after_seconds
        if last or now - logged > config.log_seconds:
            pace = (now - logged) / steps
            log({
                "step": trainer.step, "loss": float(np.mean(losses)), "masked_nats": float(np.mean(nats)), "norm": result["norm"],
                "learning_rate": learning_rate(trainer.step - 1, config.optimiser), "tokens_per_second": (trainer.visits - visits) / (now - logged),
                "visits": trainer.visits, "minutes_left": (total - trainer.step) * pace / 60,
            })
            logged, steps, visits, losses, nats = now, 0, trainer.visits, [], []
        if last or now - saved > config.checkpoint_seconds:
            trainer.save(checkpoint)
            saved = now
        if last or now - validated > config.validate_seconds:
            log({"step": trainer.step, "validation_bits_per_byte": validate(trainer, data_dir)})
            validated = logged = time.monotonic()
            steps, visits, losses, nats = 0, trainer.visits, [], []
        if last:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--objective", choices=["mdlm", "autoregressive"], default="mdlm")
    parser.add_argument("--total-steps", type=int, help="move the end of the run")
    parser.add_argument("--decay-steps", type=int, help="move the start of the decay")
    parser.add_argument("--stop-after-seconds", type=float, default=float("inf"), help="write a checkpoint and stop: one leg of a run")
    parser.add_argument("--start-from", type=Path, metavar="RUN", help="a new run takes its first weights from this run or model folder")
    parser.add_argument("--seed", type=int, help="another seed than the config's: other batches first, other noise")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="another device than the config's, say for a dry run")
    args = parser.parse_args()
    config = load_config(args.config)
    config.optimiser.total_steps = args.total_steps or config.optimiser.total_steps
    config.optimiser.decay_steps = args.decay_steps or config.optimiser.decay_steps
    config.seed = config.seed if args.seed is None else args.seed
    config.device = args.device or config.device
    config.compile = config.compile and config.device == "cuda"
    trainer = Trainer(config, args.data_dir, args.objective)
    if args.start_from:
        trainer.start_from(args.start_from)
    run(trainer, args.data_dir, args.run_dir, args.stop_after_seconds)


if __name__ == "__main__":
    main()
