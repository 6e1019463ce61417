"""Renders docs/samplers.md and its plot from the figures of two benches: `python -m training.samplers_page --figures docs/figures`.

The figures are what `npm run bench -- sampler --json` and `npm run bench -- reference --json` print, kept as sampler.json and
reference.json. Nothing of the page is typed in by hand but its sentences; training/tests/test_samplers_page.py fails where they disagree.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from training.evaluation.pages import percent, table
from training.evaluation.plots import Line, line_plot

COLUMNS = (
    "settings", "model evaluations", "tokens per evaluation", "positions evaluated", "perplexity", "entropy", "distinct-2", "repeated 4-grams", "tokens/s",
)
# Beyond this perplexity a line leaves the plot: texts of single words.
MOST_PERPLEXITY = 600
STEPS = (16, 32, 64, 128)


def quality_rows(rows: list[dict]) -> str:
    """The table of some sets of the sampler bench."""
    return table(
        COLUMNS,
        (
            (
                row["set"], f"{row['model_evaluations']:.0f}", f"{row['committed_per_evaluation']:.2f}", f"{row['positions_evaluated']:,.0f}",
                f"{row['perplexity']:.1f} ± {row['perplexity_error']:.1f}", f"{row['unigram_entropy']:.2f}", f"{row['distinct_2']:.3f}",
                percent(row["repeated_4"]), row["tokens_per_second"],
            )
            for row in rows
        ),
    )  # fmt: skip


def bars(report: dict) -> str:
    return "\n".join(
        f"- {bar['what']}: **{bar['value']:.3g}** ({bar['bound']}): {'holds' if bar['holds'] else 'does not hold'}" for bar in report["bars"]
    )


def render_plot(sampler: dict) -> str:
    """Perplexity against model evaluations, one line for each sampler; those that choose for themselves are points."""
    lines: dict[str, list[dict]] = {}
    for row in sampler["rows"]:
        name = row["set"].rsplit(" ", 1)[0]
        if "," not in row["set"]:
            lines.setdefault("efforts" if name == "effort" else name, []).append(row)
    plotted = []
    for name, rows in lines.items():
        shown = sorted((row for row in rows if row["perplexity"] <= MOST_PERPLEXITY), key=lambda row: row["model_evaluations"])
        if shown:
            plotted.append(Line(name, [row["model_evaluations"] for row in shown], [row["perplexity"] for row in shown]))
    return line_plot(plotted, "model evaluations for 128 tokens", "perplexity under the scorer", x_log=True, y_log=True, x_ticks=STEPS)


def render_page(sampler: dict, reference: dict) -> str:
    rows = sampler["rows"]
    efforts = [row for row in rows if row["set"].startswith("effort ")]
    blocks = [row for row in rows if ", block " in row["set"]]
    spaced = [row for row in rows if ", spacing " in row["set"] or row["set"] == "low-confidence 32"]
    plain = [row for row in rows if row not in efforts + blocks and ", spacing " not in row["set"]]
    return f"""# Samplers, measured

A sampler decides which tokens of a proposed text to keep at a step ([engine.md](engine.md)). Which one, and how many steps, is a
trade of quality against model evaluations. `npm run bench -- sampler --scorer FOLDER` measures it, and this page is rendered from
what it printed ({sampler["machine"]}; {sampler["runs"]}).

{sampler["method"]}

## What to use: `diffusion.effort`

Without a sampler of its own a request gets `balanced`. All three rank by confidence (LLaDA's low-confidence remasking), divide the
probability of a token for each time it stands in the text already (by 3, `best` by 2), work in blocks of 64 beside cached keys and values,
and differ in how many tokens they keep at a step. With several at a step they keep them apart from each other (`spacing`) and draw
cooler, which makes up for being less choosy. Whatever a request gives itself wins over its effort (`shared/contract/effort.ts`).

{quality_rows(efforts)}

{bars(sampler)}

## Every sampler

![Perplexity against model evaluations](figures/samplers.svg)

All at one temperature and one repetition penalty. `threshold`, `factor`, `entropy-bounded` and `klass` decide themselves how many
evaluations they take; steps are their ceiling. Confidence is what tells a fluent continuation from a rambling one at this size: samplers
that keep positions at random (`ancestral`, `first-hitting`, `remdm`) or by how sure the model is of a *position* (`margin`, `entropy`)
follow the model's own distribution more closely, and that of a model of five million parameters is rambling.

{quality_rows(plain)}

## Spacing

Neighbours that are drawn from one evaluation do not know of each other ("is is"). Keeping the tokens of one step apart costs nothing:

{quality_rows(spaced)}

## Blocks, and keys and values kept for them

With `diffusion.block` the text is finished block by block from the left; with `diffusion.kv_cache` each block evaluates the whole canvas once
and then only itself, beside the keys and values of what lies before it (`prefix`: and all behind it anew) or on both sides (`dual`).
Positions evaluated and time fall. Blocks themselves move the balance from perplexity to variety, since a step has fewer positions to
choose among; blocks of 64 beside a dual cache are what the efforts use.

{quality_rows(blocks)}

## Against a plain loop

`npm run bench -- reference --scorer FOLDER` runs LLaDA's generate in PyTorch beside the engine, in one go. {reference["method"]}

{table(
    ("loop", "tokens/s", "perplexity", "entropy", "distinct-2", "repeated 4-grams"),
    (
        (row["loop"], f"{row['tokens_per_second']:.0f}", f"{row['perplexity']:.1f} ± {row['perplexity_error']:.1f}", f"{row['unigram_entropy']:.2f}",
         f"{row['distinct_2']:.3f}", percent(row["repeated_4"]))
        for row in reference["rows"]
    ),
)}

{bars(reference)}

The plain loop at a step for each token has a low perplexity because it repeats itself: half of its 4-grams are copies. `balanced` does not.
"""  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figures", type=Path, required=True, help="folder of sampler.json and reference.json; samplers.md is written beside it")
    args = parser.parse_args()
    sampler, reference = (json.loads((args.figures / f"{name}.json").read_text(encoding="utf-8")) for name in ("sampler", "reference"))
    (args.figures / "samplers.svg").write_text(render_plot(sampler), encoding="utf-8")
    (args.figures.parent / "samplers.md").write_text(render_page(sampler, reference), encoding="utf-8")


if __name__ == "__main__":
    main()
