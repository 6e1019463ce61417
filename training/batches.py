"""The order of batches over packed shards: a function of seed and step, so that resuming needs no saved cursor."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.objective import Batch


class BatchOrder:
    """Step -> batch. Every epoch visits each canvas once, in batches of one length and about `batch_tokens` tokens."""

    def __init__(self, data_dir: Path, batch_tokens: int, seed: int) -> None:
        self.seed = seed
        self.shards: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for path in sorted(data_dir.glob("canvas-*.npy")):
            length = int(path.stem.split("-")[1])
            canvas = np.load(path, mmap_mode="r")
            if len(canvas):
                self.shards[length] = (canvas, np.load(data_dir / f"prefix-{length}.npy"), np.load(data_dir / f"length-{length}.npy"))
        if not self.shards:
            raise FileNotFoundError("no packed canvases in the data folder: run training.pack first")
        self.rows_per_batch = {length: max(1, batch_tokens // length) for length in self.shards}
        self.batches_per_epoch = sum(-(-len(s[0]) // self.rows_per_batch[length]) for length, s in self.shards.items())
        self.epoch = -1
        self.plan: list[tuple[int, np.ndarray]] = []

    def _plan_epoch(self, epoch: int) -> None:
        rng = np.random.default_rng((self.seed, 7, epoch))
        plan = []
        for length, (canvas, _, _) in self.shards.items():
            order = rng.permutation(len(canvas))
            per_batch = self.rows_per_batch[length]
            plan += [(length, np.sort(order[i : i + per_batch])) for i in range(0, len(order), per_batch)]
        self.plan = [plan[i] for i in rng.permutation(len(plan))]
        self.epoch = epoch

    def at(self, step: int) -> Batch:
        epoch, index = divmod(step, self.batches_per_epoch)
        if epoch != self.epoch:
            self._plan_epoch(epoch)
        length, rows = self.plan[index]
        canvas, prefix, exists = self.shards[length]
        return Batch(canvas[rows].astype(np.int64), prefix[rows].astype(np.int64), exists[rows].astype(np.int64))
