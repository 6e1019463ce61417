"""docs/evaluation.md, its plots and the model card, rendered from the figures: `python -m training.report --model M --evaluation DIR`.

Nothing on those pages is typed by hand, verdicts included; a test renders them again and compares. The one thing that a person
supplies is DIR/reading.json: how many of the shown texts somebody who read them found grammatical, and on the subject.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from training.card import render_card
from training.evaluation import pages
from training.evaluation.plots import Line, line_plot

SECTIONS = ("likelihood", "infill", "samplers", "styles", "prompts", "constrained", "claims", "samples", "reading")


def read_sections(folder: Path) -> dict[str, dict]:
    """The JSON files of an evaluation. Raises ValueError where one is missing or they are of different models."""
    missing = [name for name in (*SECTIONS, pages.PREVIOUS) if not (folder / f"{name}.json").exists()]
    if missing:
        raise ValueError(f"{folder} lacks {', '.join(f'{name}.json' for name in missing)}")
    sections = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in (*SECTIONS, pages.PREVIOUS)}
    revisions = {name: section["revision"] for name, section in sections.items() if name != pages.PREVIOUS}
    if len(set(revisions.values())) > 1:
        raise ValueError(f"figures of different models: {revisions}")
    return sections


def render_evaluation(manifest: dict, s: dict[str, dict]) -> str:
    """docs/evaluation.md. Raises ValueError where the figures are of another model than the manifest."""
    revision = s["likelihood"]["revision"]
    if revision != manifest["revision"]:
        raise ValueError(f"the figures are of revision {revision}, the model is {manifest['revision']}")
    training, twin = manifest["training"], s["likelihood"]["twin_training"]
    parts = [
        f"""# Evaluation

Model `{manifest['id']}`, revision `{revision}`: {manifest['parameters']:,} parameters, {training['token_visits']:,} token visits on {training['device']}. Its autoregressive
twin has the same data, tokenizer and size, {budget(training, twin)} ({twin['token_visits']:,} token visits, revision `{twin['revision']}`) and a causal mask;
it does not ship.
This page is rendered from the files in [evaluation/](evaluation/) by `python -m training.report`; `npm run eval` makes them
(see [training.md](training.md)). Figures are of one seed on some dozens to hundreds of texts: differences of a few percent are noise.""",
        pages.likelihood_text(s),
        pages.infill_text(s),
        pages.samplers_text(s),
        "![Perplexity under the twin by denoising steps](evaluation/steps.svg)",
        pages.styles_text(s),
        "![Style accuracy by guidance](evaluation/guidance.svg)",
        pages.prompts_text(s),
        pages.constrained_text(s),
        pages.claims_text(s),
        "![Nats per token above real text, by position](evaluation/exposure.svg)",
        pages.reading_text(s),
        "The texts are in the [model card](../models/default/README.md) and in [samples.json](evaluation/samples.json).",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def budget(training: dict, twin: dict) -> str:
    share = twin["token_visits"] / training["token_visits"]
    return "the same budget" if abs(share - 1) < 0.01 else f"{100 * share:.0f}% of the budget"


def render_plots(s: dict[str, dict]) -> dict[str, str]:
    """File name -> SVG."""
    rows = s["samplers"]["rows"]
    references = ("twin", "real text")
    samplers = dict.fromkeys(row["source"] for row in rows if row["source"] not in references)
    steps = [
        Line(name, [row["steps"] for row in rows if row["source"] == name], [row["twin_perplexity"] for row in rows if row["source"] == name])
        for name in samplers
    ]
    levels = [(row["source"], row["twin_perplexity"]) for row in rows if row["source"] in references]
    style_rows = s["styles"]["rows"]
    accuracy = Line("generated", [row["guidance"] for row in style_rows], [row["accuracy"]["mean"] for row in style_rows])
    exposure = [Line(name, [r["position"] for r in rows], [r["excess"] for r in rows]) for name, rows in s["claims"]["exposure"].items()]
    return {
        "steps.svg": line_plot(steps, "denoising steps", "perplexity under the twin", x_log=True, levels=levels),
        "guidance.svg": line_plot([accuracy], "guidance", "style accuracy", levels=[("real text", s["styles"]["classifier"]["mean"])]),
        "exposure.svg": line_plot(exposure, "position, tokens", "nats per token above real text"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True, help="the folder of figures; evaluation.md is written beside it")
    args = parser.parse_args()
    manifest = json.loads((args.model / "manifest.json").read_text(encoding="utf-8"))
    sections = read_sections(args.evaluation)
    for name, svg in render_plots(sections).items():
        (args.evaluation / name).write_text(svg, encoding="utf-8")
    (args.evaluation.parent / "evaluation.md").write_text(render_evaluation(manifest, sections), encoding="utf-8")
    (args.model / "README.md").write_text(render_card(manifest, sections), encoding="utf-8")


if __name__ == "__main__":
    main()
