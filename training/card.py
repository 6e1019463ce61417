"""The model card: README.md of a model folder, rendered from its manifest and, once measured, from its evaluation."""

from __future__ import annotations

# The corpus's sources and licences, for the front matter and the attribution list.
ATTRIBUTION: tuple[tuple[str, str], ...] = (
    ("texts written for this project (product copy, messages, help, notices, stories, ...)", "CC0"),
    ("English Wikipedia", "CC BY-SA 3.0"),
    ("self_dialogue_corpus", "BSD-3-Clause"),
    ("Schema-Guided Dialogue (Google)", "CC BY-SA 4.0"),
    ("Synthetic-Persona-Chat (Google)", "CC BY 4.0"),
    ("Topical-Chat (Amazon)", "CDLA-Sharing 1.0"),
    ("Wikinews", "CC BY 2.5"),
    ("OneStopEnglish", "CC BY-SA 4.0"),
    ("digital.gov, 18F, va.gov", "public domain / CC0"),
    ("TinyStories", "CDLA-Sharing 1.0"),
    ("African Storybook", "CC BY"),
    ("FairytaleQA", "Apache-2.0"),
    ("Grimm, Andersen, Perrault, Aesop; poems; speeches", "public domain"),
    ("public-domain-recipes", "Unlicense"),
    ("MASC", "open"),
    ("retail-demo-store", "MIT-0"),
    ("github/explore", "CC BY 4.0"),
    ("mozilla www-l10n", "MPL-2.0"),
    ("AppImage catalogue", "MIT"),
    ("E2E NLG", "CC BY-SA 4.0"),
    ("NLTK product reviews and pros/cons", "CC BY 4.0"),
)

NOT_MEASURED = "Not measured yet: run `python -m training.evaluate`."


def render_card(manifest: dict, evaluation: dict | None) -> str:
    """README.md. `evaluation` is what `training.evaluate` writes; figures of another revision are refused (ValueError)."""
    if evaluation is not None and evaluation["revision"] != manifest["revision"]:
        raise ValueError(f"the evaluation is of revision {evaluation['revision']}, the model is {manifest['revision']}")
    training, weights = manifest["training"], manifest["weights"]
    sources = "\n".join(f"- {name}: {licence}" for name, licence in ATTRIBUTION)
    styles = "\n".join(f"- `{style['name']}`: {style['description']}" for style in manifest["styles"])
    return f"""---
license: {manifest['licence']}
language: en
library_name: maskwright
pipeline_tag: text-generation
tags: [masked-diffusion, llada, constrained-generation]
---

# {manifest['title']}

{manifest['description']}

{manifest['parameters']:,} parameters, {sum(w['bytes'] for w in weights) / 1e6:.1f} MB as float16, context {manifest['context']} tokens,
byte-level BPE of 8192 tokens. Revision `{manifest['revision']}`. Architecture and file layout are LLaDA's (bidirectional transformer,
RMSNorm, rotary positions, SwiGLU, tied embeddings). Made to be run by Maskwright, which asks it for the probabilities of masked positions.

## Training

- Objective: absorbing-mask diffusion (MDLM/LLaDA): mask rate stratified over the batch, cross-entropy of masked positions weighted by one over
  the mask rate, no time conditioning; 30% of canvases masked in spans. The run opens with few masks (10-40%) and widens to the full range.
- Budget: {training['token_visits']:,} token visits in {training['steps']:,} steps, {training['hours']:.2f} hours on {training['device']}.
- Data: {training['data']}.
- Weights: exponential moving average of the run's end. Config: `training/configs/{training['config']}.toml`; seed {training['seed']}.

The project is Apache-2.0. No text of the corpus is in this repository; the model learned from these sources, each under its own licence:

{sources}

## Styles

{styles}

## Figures

{figures(evaluation)}

## Limits

- A small model with a very small budget: {training['token_visits'] / manifest['parameters']:.1f} token visits for each parameter. It has learned
  registers, punctuation, frequent phrases and who stands next to whom; it has not learned to keep a thought. Free text wanders from the first
  sentence and invents names, prices and claims. Filling short gaps between given words is what it does best.
- The request in front of a text hardly steers it yet; the style does. What must hold has to be asked for as a constraint.
- A canvas may end in EOS tokens, and the model is surest of those: sampling by confidence has to fix the length, or leave EOS out, or it
  commits the tail first and the text stays short.
- It knows English only, and of the world only what the sources above say. It has had no safety training: do not publish its text unread.
"""


def figures(evaluation: dict | None) -> str:
    """The table of an evaluation in Markdown."""
    if evaluation is None:
        return NOT_MEASURED
    rows = "\n".join(
        f"| infill top-1, {round(float(share) * 100)}% masked | {100 * value:.1f}% |" for share, value in evaluation["infill_top1"].items()
    )
    by_style = "\n".join(
        f"| {name} | {value['documents']} | {value['bits_per_byte']:.3f} |" for name, value in sorted(evaluation["by_style"].items())
    )
    return f"""{evaluation['method']}

| what | value |
| --- | --- |
| validation NELBO, bits per byte | {evaluation['bits_per_byte']:.3f} |
| validation NELBO, nats per token | {evaluation['nats_per_token']:.3f} |
{rows}

| style | documents | bits per byte |
| --- | --- | --- |
{by_style}"""
