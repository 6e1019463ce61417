"""The plain denoising loop that a PyTorch user would run: LLaDA's generate (Nie et al. 2025, section 2.4 and appendix B), for comparison.

Every step evaluates the whole canvas, draws every token by Gumbel noise in float64, and keeps the most confident of the masked ones;
the noise exponent form, the quotas of a block and the confidences are those of the published loop. Written for this project as
the yardstick of `npm run bench -- reference`; the service has a loop of its own.

`python -m training.reference_loop --model DIR < jobs.jsonl` reads {"style", "tokens", "steps", "block", "temperature", "seed"} and
writes {"style", "text", "seconds"} lines; the texts of one line of jobs are made one after the other, as the published loop makes them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from training.evaluation.twin import conditioning
from training.model import LLaDAModelLM
from training.model_folder import read_folder
from training.objective import FIRST_TEXT_ID
from training.tokenizer import MASK, TextEncoder


def quotas(masked: int, steps: int) -> list[int]:
    """Tokens to keep at each step of a block: even shares, the remainder to the first steps."""
    share, rest = divmod(masked, steps)
    return [share + (step < rest) for step in range(steps)]


@torch.no_grad()
def generate(
    model: LLaDAModelLM, prefix: list[int], tokens: int, steps: int, block: int, temperature: float, generator: torch.Generator
) -> list[int]:
    """Ids of a text of exactly `tokens` tokens, made in `steps` steps over blocks of `block` positions."""
    shift = model.config.shift
    canvas = torch.tensor([[*prefix, *[MASK] * tokens]])  # 1 x L
    blocks = -(-tokens // block)
    for b in range(blocks):
        first, last = len(prefix) + b * block, min(len(prefix) + (b + 1) * block, canvas.shape[1])
        for keep in quotas(last - first, max(1, steps // blocks)):
            logits = model(canvas)[0].float()  # L x V
            logits[:, :FIRST_TEXT_ID] = float("-inf")  # neither the mask nor any other special token is text
            logits = logits.roll(shift, 0)  # row p is about position p
            masked = canvas[0] == MASK
            if temperature == 0:
                drawn = logits.argmax(-1)
            else:
                noise = torch.rand(logits.shape, dtype=torch.float64, generator=generator)
                drawn = (logits.double().exp() / (-noise.log()) ** temperature).argmax(-1)  # L
            confidence = torch.softmax(logits.double(), -1).gather(-1, drawn[:, None])[:, 0]  # L
            confidence[~masked] = float("-inf")
            confidence[last:] = float("-inf")
            chosen = confidence.topk(keep).indices
            canvas[0, chosen] = drawn[chosen]
    return canvas[0, len(prefix) :].tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, _ = read_folder(args.model)
    encoder = TextEncoder.from_file(args.model / "tokenizer.json")
    warm = torch.Generator().manual_seed(0)
    generate(model, conditioning("story", None, encoder), 16, 4, 16, 1.0, warm)
    for line in sys.stdin:
        job = json.loads(line)
        generator = torch.Generator().manual_seed(job["seed"])
        prefix = conditioning(job["style"], None, encoder)
        started = time.perf_counter()
        ids = generate(model, prefix, job["tokens"], job["steps"], job["block"], job["temperature"], generator)
        seconds = time.perf_counter() - started
        print(json.dumps({"style": job["style"], "text": encoder.decode(ids), "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
