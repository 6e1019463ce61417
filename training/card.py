"""The model card: README.md of a model folder, rendered from its manifest and, once measured, from its evaluation."""

from __future__ import annotations

from training.evaluation import pages

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

NOT_MEASURED = "Not measured yet: run `npm run eval`."


def render_card(manifest: dict, sections: dict[str, dict] | None) -> str:
    """README.md. `sections` are the figures of `training.report`; those of another revision are refused (ValueError)."""
    if sections is not None and sections["likelihood"]["revision"] != manifest["revision"]:
        raise ValueError(f"the figures are of revision {sections['likelihood']['revision']}, the model is {manifest['revision']}")
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
RMSNorm, rotary positions, SwiGLU, tied embeddings){shift_text(manifest)}. Made to be run by Maskwright, which asks it for the probabilities of
masked positions.

## Training

- Objective: absorbing-mask diffusion (MDLM/LLaDA): the share of masks is stratified over the batch, the cross-entropy of masked positions
  is weighted by one over that share, no time conditioning; 30% of canvases masked in spans.{editing_text(training)}
- {origin_text(training)}
- Budget: {training['token_visits']:,} token visits, {training['hours']:.2f} hours on {training['device']}; {training['steps']:,} steps since its weights were last taken over.
  That is {training['token_visits'] / manifest['parameters']:.1f} visits for each parameter.
- Data: {training['data']}. No text of slot grammars.
- Weights: exponential moving average of the run's end. Config: `training/configs/{training['config']}.toml`; seed {training['seed']}.

The project is Apache-2.0. No text of the corpus is in this repository; the model learned from these sources, each under its own licence:

{sources}

## Styles

{styles}

{figures(sections)}

## What it cannot do

- It is small and has seen little. It writes in the register asked for and takes up the subject of a request, but over a sentence it loses
  the thread, and it invents names, prices and claims. Filling short gaps between given words is what it does best.
- Sampled by confidence over a whole canvas it repeats itself, the more so with guidance; at temperature 1 without confidence it rambles.
- A request gives it the subject, seldom the sense. What must hold has to be asked for as a constraint.
- It notices random tokens in a text, but masking kept tokens again did not make its own texts better (see the claims above).
- It knows English only, and of the world only what the sources above say. It has had no safety training: do not publish its text unread.
"""


def shift_text(manifest: dict) -> str:
    """Empty for a model that is read where the mask stands, as LLaDA is."""
    if manifest["shift"] == 0:
        return ""
    return f"; a token is read {manifest['shift']} position before its place, as in Dream (`shift` in the manifest)"


def editing_text(training: dict) -> str:
    share, rate = training.get("replace_batch_share", 0), training.get("replace_rate", 0)
    if not share:
        return ""
    return (
        f" In {round(100 * share)}% of\n  batches {round(100 * rate)}% of the visible tokens are replaced at random and all visible"
        " ones are predicted too, so that tokens can be edited."
    )


def origin_text(training: dict) -> str:
    origin = training.get("origin")
    if origin is None:
        return "Start: random weights."
    return (
        f"Start: the weights of an {origin['objective']} run over the same data after {origin['token_visits']:,} token visits (counted in the budget\n"
        "  below). Next-token prediction teaches the first statistics of a language at a fraction of what masks cost (DiffuLLaMA, Dream)."
    )


def figures(sections: dict[str, dict] | None) -> str:
    """Every figure of docs/evaluation.md, then the samples."""
    if sections is None:
        return f"## Figures\n\n{NOT_MEASURED}"
    texts = (
        pages.likelihood_text, pages.infill_text, pages.samplers_text, pages.styles_text, pages.prompts_text, pages.constrained_text,
        pages.claims_text, pages.reading_text, samples_text,
    )
    return "\n\n".join(text(sections) for text in texts)


def samples_text(sections: dict[str, dict]) -> str:
    """Ten texts of each style, as they came."""
    samples = sections["samples"]
    settings, diffusion = samples["settings"], samples["settings"]["diffusion"]
    parts = [
        f"""## Samples

Not selected: seeds 0 to 9 of each style, no prompt, at most {settings['tokens']} tokens, {diffusion['steps']} steps, low-confidence sampling in blocks of
{diffusion['block']}, temperature {settings['temperature']}, guidance {diffusion['guidance']}."""
    ]
    for style, texts in samples["styles"].items():
        parts.append(f"### {style}\n\n" + "\n".join(f"{number}. {one_line(text)}" for number, text in enumerate(texts)))
    return "\n\n".join(parts)


def one_line(text: str) -> str:
    """A text as one line of Markdown that shows what it says and nothing else."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]<>#|" else c for c in text)
    return escaped.replace("\n", " / ") or "(empty)"
