/** A text made from the page, paid like any other: the shortest way to see that a key works and what it costs. */
import { html, nothing, type TemplateResult } from 'lit';
import type { GenerationAnswer } from '../../../../shared/contract/answer.ts';
import { createAction } from '../controls/action.ts';
import { areaField, filledIn } from '../controls/fields.ts';
import { dollars, whole } from '../format.ts';
import type { Panel, Session } from '../session.ts';

const EXAMPLE = 'A warm blanket for long evenings';

/** @param paid told when a text was made, so that what it cost is in view */
export function firstTextPanel({ api, changed, mode }: Session, paid: () => void): Panel {
  const making = createAction(changed);
  let made: GenerationAnswer | undefined;

  function make(event: SubmitEvent): void {
    const prompt = filledIn(event)('prompt');
    void making.run(async () => {
      made = undefined;
      made = await api.client().generate({ prompt });
      paid();
    });
  }

  function view(): TemplateResult {
    if (mode() !== api.mode) return html``;
    return html`
      <section class="card" aria-labelledby="first-text">
        <h3 id="first-text">Make a text</h3>
        <form class="stack" @submit=${make}>
          ${areaField({ name: 'prompt', label: 'Prompt', value: EXAMPLE, rows: 2, required: true, refused: making.refused('/prompt') })}
          <div class="row">
            <button class="primary" aria-busy=${making.busy() ? 'true' : 'false'}>Generate</button>
            <span class="hint">Costs what any request of this key costs. <a href="/">More in the playground</a></span>
          </div>
          ${making.view()}
          <div role="status">${made === undefined ? nothing : shown(made)}</div>
        </form>
      </section>
    `;
  }

  return { open() {}, view };
}

function shown({ text, usage, cache }: GenerationAnswer): TemplateResult {
  const { positions, denoising_steps: steps, price } = usage;
  return html`
    <p class="text">${text}</p>
    <p class="hint">
      ${dollars(price.micro_dollars)} for ${whole(positions)} positions in ${whole(steps)} denoising steps; cache: ${cache.status}
    </p>
  `;
}
