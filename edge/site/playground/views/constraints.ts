/** What must hold: lengths, phrases, facts, choices, a pattern, a schema. */
import { html, nothing, type TemplateResult } from 'lit';
import type { App } from '../app.ts';
import { escaped } from '../fields.ts';
import { type FactRow, linesOf, saysFact, saysLength, saysPhrase } from '../request/draft.ts';
import { button, checkControl, groupControl, part, textControl } from './controls.ts';
import { lengthInWords, lengthList, phraseList } from './lists.ts';

export function constraintsView(app: App): TemplateResult {
  return html`${lengthView(app)}${phrasesView(app)}${factsView(app)}${choicesView(app)}${regexView(app)}${schemaView(app)}`;
}

function lengthView(app: App): TemplateResult {
  const { lengths } = app.draft;
  return part(app, {
    name: 'length',
    title: 'Length',
    set: lengths.filter(saysLength).map(lengthInWords).join(', '),
    content: html`<p class="hint">Of the whole text, both ends included; several hold together. The same number twice is
      exact. Characters are Unicode code points, spaces too; a sentence ends with <code>.</code> <code>!</code>
      <code>?</code> or with the text.</p>
      ${lengthList(app, { pointer: '/length', rows: lengths, what: 'Length' })}`,
  });
}

function phrasesView(app: App): TemplateResult {
  const { include, exclude } = app.draft;
  const [must, mustNot] = [include, exclude].map((rows) => rows.filter(saysPhrase).length);
  return part(app, {
    name: 'include',
    title: 'Phrases',
    set: [must ? `${must} in it` : '', mustNot ? `${mustNot} not in it` : ''].filter(Boolean).join(', '),
    content: html`<p class="hint">Stand in the text somewhere, letter by letter; or nowhere in it, the template's own words
      included.</p>
      ${phraseList(app, { pointer: '/include', rows: include, what: 'Must appear' })}
      ${phraseList(app, { pointer: '/exclude', rows: exclude, what: 'Must not appear' })}`,
  });
}

function factsView(app: App): TemplateResult {
  const { facts } = app.draft;
  return part(app, {
    name: 'facts',
    title: 'Facts',
    set: facts
      .filter(saysFact)
      .map(({ value }) => value)
      .join(', '),
    content: html`<p class="hint">Values that stand in the text as they are. The model sees them too. A template says where:
      <code>{{fact:price}}</code>.</p>
      ${facts.map((fact, i) => factView(app, fact, i))}
      ${button('Add a fact', () => app.edit(({ facts }) => facts.push({ name: '', value: '' })), { small: true })}`,
  });
}

function factView(app: App, fact: FactRow, i: number): TemplateResult {
  const pointer = fact.name === '' ? `/facts/${i}-unnamed` : `/facts/${escaped(fact.name)}`;
  return groupControl(app, {
    pointer,
    legend: `Fact ${i + 1}`,
    content: html`<div class="fact">
      ${textControl(app, {
        pointer: `/facts/${i}-name`,
        label: 'Name',
        value: fact.name,
        input: (name) => app.edit(() => Object.assign(fact, { name })),
      })}
      ${textControl(app, {
        pointer: `/facts/${i}-value`,
        label: 'Value',
        value: fact.value,
        input: (value) => app.edit(() => Object.assign(fact, { value })),
      })}
      ${button('Remove', () => app.edit(({ facts }) => facts.splice(i, 1)), { quiet: true, name: `Remove fact ${i + 1}` })}
    </div>`,
  });
}

function choicesView(app: App): TemplateResult {
  const { choices, probabilities } = app.draft;
  const count = linesOf(choices).length;
  return part(app, {
    name: 'choices',
    title: 'Choices',
    set: count === 0 ? '' : `one of ${count}`,
    content: html`${textControl(app, {
      pointer: '/choices',
      label: 'The text is one of',
      help: 'One a line, letter by letter.',
      value: choices,
      rows: 3,
      input: (choices) => app.edit((draft) => Object.assign(draft, { choices })),
    })}
    ${checkControl('also say how likely each choice is (in holes too)', probabilities, (probabilities) =>
      app.edit((draft) => Object.assign(draft, { probabilities })),
    )}`,
  });
}

function regexView(app: App): TemplateResult {
  const { regex } = app.draft;
  return part(app, {
    name: 'regex',
    title: 'Pattern',
    set: regex,
    content: textControl(app, {
      pointer: '/regex',
      label: 'Regular expression',
      help: html`The whole text matches it: <code>[A-Z]{2}-\\d{4}</code> gives two letters, a hyphen, four digits. ECMAScript's syntax;
        no look-around, no back-references.`,
      value: regex,
      code: true,
      input: (regex) => app.edit((draft) => Object.assign(draft, { regex })),
    }),
  });
}

function schemaView(app: App): TemplateResult {
  const { schema } = app.draft;
  return part(app, {
    name: 'json_schema',
    title: 'JSON Schema',
    set: schema.trim() === '' ? '' : 'a JSON value',
    content: html`${textControl(app, {
      pointer: '/json_schema',
      label: 'Schema',
      help: 'The text is one JSON value that is valid under it. What cannot be enforced is refused by its name.',
      value: schema,
      rows: 8,
      code: true,
      placeholder: '{"type": "object", "properties": {}}',
      input: (schema) => app.edit((draft) => Object.assign(draft, { schema })),
    })}
    ${schema.trim() === '' ? button('Begin with an example', () => app.edit((draft) => Object.assign(draft, { schema: BEGINNING })), { small: true }) : nothing}`,
  });
}

const BEGINNING = JSON.stringify(
  {
    type: 'object',
    properties: { title: { type: 'string', minLength: 3, maxLength: 30 }, stars: { enum: [1, 2, 3, 4, 5] } },
    required: ['title', 'stars'],
    additionalProperties: false,
  },
  null,
  2,
);
