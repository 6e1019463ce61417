"""A run's EMA weights as a model folder: `python -m training.export --run-dir RUN --data-dir PACKED --out models/default`."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.card import render_card
from training.model_folder import Description, write_folder
from training.styles import STYLES
from training.train import load_averaged

def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True, help="where the run's tokenizer.json lies")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--id", default="maskwright-small")
    parser.add_argument("--title", default="Maskwright small")
    parser.add_argument("--device", default="two CPU cores", help="what it was trained on, for the card")
    args = parser.parse_args()

    model, state = load_averaged(args.run_dir)
    config = state["config"]
    description = Description(
        id=args.id,
        title=args.title,
        description="A small masked diffusion language model for short English texts: product copy, messages, help, notices, small stories.",
        licence="apache-2.0",
        styles=STYLES,
        editing=config["corruption"]["replace_batch_share"] > 0,
        training={
            "objective": state["objective"],
            "token_visits": state["visits"],
            "steps": state["step"],
            "finished": state["step"] >= config["optimiser"]["total_steps"],
            "device": args.device,
            "hours": round(state["seconds"] / 3600, 2),
            "config": config["name"],
            "seed": config["seed"],
            "origin": state["origin"],
            "replace_batch_share": config["corruption"]["replace_batch_share"],
            "replace_rate": config["corruption"]["replace_rate"],
            "data": config.get("about_data", "see the run's config"),
        },
    )
    args.out.mkdir(parents=True, exist_ok=True)
    manifest = write_folder(args.out, model, (args.data_dir / "tokenizer.json").read_text(encoding="utf-8"), description)
    (args.out / "README.md").write_text(render_card(manifest, None), encoding="utf-8")
    print(f"{args.out}: revision {manifest['revision']}, step {state['step']}, {manifest['weights'][0]['bytes'] / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
