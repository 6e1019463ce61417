/** Lists of lengths and of phrases: of the text, and of each hole. */
import { html, type TemplateResult } from 'lit';
import type { App } from '../app.ts';
import { rowPointers } from '../fields.ts';
import { type LengthRow, type PhraseRow, saysLength, saysPhrase, type Unit } from '../request/draft.ts';
import { button, checkControl, groupControl, numberControl, selectControl, textControl } from './controls.ts';

const UNITS: readonly (readonly [Unit, string])[] = [
  ['characters', 'characters'],
  ['words', 'words'],
  ['sentences', 'sentences'],
  ['tokens', 'tokens'],
];

/** What a length says, in words. */
export function lengthInWords({ unit, min, max }: LengthRow): string {
  const one = (count: string) => `${count} ${count === '1' ? unit.slice(0, -1) : unit}`;
  if (min === '' && max === '') return 'says nothing yet';
  if (min === max) return `exactly ${one(min)}`;
  if (min === '') return `at most ${one(max)}`;
  return max === '' ? `at least ${one(min)}` : `${min} to ${one(max)}`;
}

interface ListOptions<Row> {
  /** Pointer of the list. */
  readonly pointer: string;
  readonly rows: Row[];
  /** Of a row, for its heading. */
  readonly what: string;
}

/** @param pointerOf of a row, where the request has no list: the lengths of a hole are members of it */
export function lengthList(
  app: App,
  { pointer, rows, what, pointerOf }: ListOptions<LengthRow> & { pointerOf?: (row: LengthRow) => string },
): TemplateResult {
  const pointers = pointerOf === undefined ? rowPointers(pointer, rows, saysLength) : rows.map(pointerOf);
  const edit = (change: () => void) => app.edit(change);
  return html`${rows.map((row, i) =>
    groupControl(app, {
      pointer: pointers[i],
      legend: `${what} ${i + 1}`,
      content: html`<div class="bounds">
        ${numberControl(app, {
          pointer: `${pointers[i]}/min`,
          label: 'At least',
          value: row.min,
          input: (value) => edit(() => Object.assign(row, { min: value })),
        })}
        ${numberControl(app, {
          pointer: `${pointers[i]}/max`,
          label: 'At most',
          value: row.max,
          input: (value) => edit(() => Object.assign(row, { max: value })),
        })}
        ${selectControl(app, {
          pointer: `${pointers[i]}/unit`,
          label: 'Unit',
          value: row.unit,
          input: (value) => edit(() => Object.assign(row, { unit: value })),
          options: UNITS,
        })}
        ${button('Remove', () => edit(() => rows.splice(i, 1)), { quiet: true, name: `Remove ${what.toLowerCase()} ${i + 1}` })}
      </div>
      <p class="hint">${lengthInWords(row)}</p>`,
    }),
  )}
  ${button('Add a length', () => edit(() => rows.push({ unit: freeUnit(rows), min: '', max: '' })), {
    small: true,
  })}`;
}

const freeUnit = (rows: readonly LengthRow[]): Unit =>
  UNITS.find(([unit]) => rows.every((row) => row.unit !== unit))?.[0] ?? 'characters';

export function phraseList(app: App, { pointer, rows, what }: ListOptions<PhraseRow>): TemplateResult {
  const pointers = rowPointers(pointer, rows, saysPhrase);
  const edit = (change: () => void) => app.edit(change);
  return html`${rows.map((row, i) =>
    groupControl(app, {
      pointer: pointers[i],
      legend: `${what} ${i + 1}`,
      content: html`${textControl(app, {
        pointer: `${pointers[i]}/text`,
        label: `${what} ${i + 1}`,
        value: row.text,
        input: (value) => edit(() => Object.assign(row, { text: value })),
      })}
      <div class="row">
        ${checkControl('in any case', row.anyCase, (anyCase) => edit(() => Object.assign(row, { anyCase })))}
        ${checkControl('as whole words', row.wholeWord, (wholeWord) => edit(() => Object.assign(row, { wholeWord })))}
        ${button('Remove', () => edit(() => rows.splice(i, 1)), { quiet: true, name: `Remove ${what.toLowerCase()} ${i + 1}` })}
      </div>`,
    }),
  )}
  ${button(`Add: ${what.toLowerCase()}`, () => edit(() => rows.push({ text: '', anyCase: false, wholeWord: false })), {
    small: true,
  })}`;
}
