/** Prompt, style and template: what the text is about, and how it is laid out. */
import { html, nothing, type TemplateResult } from 'lit';
import type { App } from '../app.ts';
import { idOf } from '../fields.ts';
import { type HoleDraft, linesOf, saysLength } from '../request/draft.ts';
import { numberControl, part, selectControl, textControl } from './controls.ts';
import { lengthInWords, lengthList, phraseList } from './lists.ts';

export function promptView(app: App): TemplateResult {
  const { draft, models } = app;
  const styles = new Map(models.flatMap(({ styles }) => styles.map(({ name, description }) => [name, description])));
  if (draft.style !== '' && !styles.has(draft.style)) styles.set(draft.style, '');
  return html`<div class="card stack">
    ${textControl(app, {
      pointer: '/prompt',
      label: 'Prompt',
      help: 'What the text is about. A wish, not a constraint.',
      value: draft.prompt,
      rows: 2,
      input: (prompt) => app.edit((draft) => Object.assign(draft, { prompt })),
    })}
    <div class="columns pair">
      ${selectControl(app, {
        pointer: '/style',
        label: 'Style',
        help: styles.get(draft.style) || 'How it sounds. A wish too.',
        value: draft.style,
        input: (style) => app.edit((draft) => Object.assign(draft, { style })),
        options: [['', 'none'], ...[...styles.keys()].map((name) => [name, name.replaceAll('_', ' ')] as const)],
      })}
      ${numberControl(app, {
        pointer: '/style/strength',
        label: 'Strength of the style',
        help: '0 to 10: how far to lean towards it.',
        value: draft.strength,
        max: 10,
        step: 'any',
        placeholder: '0',
        input: (strength) => app.edit((draft) => Object.assign(draft, { strength })),
      })}
    </div>
    ${models.length > 1 ? modelView(app) : nothing}
  </div>`;
}

function modelView(app: App): TemplateResult {
  return selectControl(app, {
    pointer: '/model',
    label: 'Model',
    value: app.draft.model,
    input: (model) => app.edit((draft) => Object.assign(draft, { model })),
    options: [['', 'the first'], ...app.models.map(({ id, title }) => [id, title] as const)],
  });
}

export function templateView(app: App): TemplateResult {
  const { draft, template } = app;
  const count = template.holes.length;
  return part(app, {
    name: 'template',
    title: 'Template',
    set: draft.template === '' ? '' : count === 1 ? '1 hole' : `${count} holes`,
    content: html`${textControl(app, {
      pointer: '/template',
      label: 'Text with holes',
      help: html`Write a hole as <code>{{name}}</code>, with bounds as <code>{{name:words=1..3}}</code>, the value of a
        fact as <code>{{fact:price}}</code>. All else comes back as it is, byte for byte.`,
      value: draft.template,
      rows: 3,
      code: true,
      fault: template.fault,
      input: (text) => app.edit((draft) => Object.assign(draft, { template: text })),
    })}
    ${count === 0 && template.parts.length === 0 ? nothing : preview(app)}
    ${template.holes.map((name) => holeView(app, name))}`,
  });
}

/** The template as it was understood: holes and facts stand out of the literal text. */
function preview({ template }: App): TemplateResult {
  const shown = template.parts.map((part) => {
    if (part.kind === 'literal') return part.text;
    return html`<span class=${part.kind}>${part.kind === 'fact' ? `fact: ${part.name}` : part.name}</span>`;
  });
  return html`<p class="template-preview" aria-label="The template as it was read" role="group">${shown}</p>`;
}

function holeView(app: App, name: string): TemplateResult {
  const pointer = `/holes/${name}`;
  const hole = app.draft.holes[name];
  const set = (more: Partial<HoleDraft>) => app.edit(() => Object.assign(hole, more));
  const refused = [...app.flagged.keys()].some((flag) => `${flag}/`.startsWith(`${pointer}/`));
  return html`<details class="hole" id=${idOf(pointer)} tabindex="-1" .open=${refused}>
    <summary><span class="hole-name">${name}</span> <span class="part-set">${holeInWords(hole)}</span></summary>
    <p class="hint">Holds for the value of this hole alone.</p>
    ${lengthList(app, { pointer, rows: hole.lengths, what: `Length of ${name}`, pointerOf: ({ unit }) => `${pointer}/${unit}` })}
    ${textControl(app, {
      pointer: `${pointer}/choices`,
      label: `${name} is one of`,
      help: 'One a line.',
      value: hole.choices,
      rows: 2,
      input: (choices) => set({ choices }),
    })}
    ${textControl(app, {
      pointer: `${pointer}/regex`,
      label: `${name} matches, as a whole`,
      value: hole.regex,
      code: true,
      input: (regex) => set({ regex }),
    })}
    ${phraseList(app, { pointer: `${pointer}/exclude`, rows: hole.exclude, what: `Not in ${name}` })}
  </details>`;
}

/** What is said about a hole, short enough for a summary. */
function holeInWords({ lengths, choices, regex, exclude }: HoleDraft): string {
  const options = linesOf(choices).length;
  return [
    ...lengths.filter(saysLength).map(lengthInWords),
    options === 0 ? '' : `one of ${options}`,
    regex === '' ? '' : 'a pattern',
    exclude.length === 0 ? '' : `without ${exclude.length}`,
  ]
    .filter((words) => words !== '')
    .join(', ');
}
