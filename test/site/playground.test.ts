/** What the playground makes of its form: the request and back, links, lines for a shell, steps. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentOf, readFragment } from '../../edge/site/playground/request/fragment.ts';
import { draftOf } from '../../edge/site/playground/request/from-request.ts';
import { GALLERY } from '../../edge/site/playground/request/gallery.ts';
import { curlOf, presetOf } from '../../edge/site/playground/request/snippets.ts';
import { readTemplate } from '../../edge/site/playground/request/template-parts.ts';
import { requestOf } from '../../edge/site/playground/request/to-request.ts';
import { cellInWords, firstRow, nextRow, textOf } from '../../edge/site/playground/run/history.ts';
import type { TextRequest } from '../../shared/client/client.ts';
import { EFFORTS, LENGTH_UNITS } from '../../shared/contract/generation.ts';
import type { AcceptedEvent, StepEvent } from '../../shared/contract/stream.ts';

const line = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== '');
const oneLine = line.filter((text) => !text.includes('\n'));
const bounds = fc.oneof(
  fc.record({ exact: fc.nat(4096) }),
  fc.record({ min: fc.nat(4096) }),
  fc.record({ max: fc.nat(4096) }),
  fc.record({ min: fc.integer({ min: 0, max: 100 }), max: fc.integer({ min: 101, max: 200 }) }),
);
const phrases = fc.array(
  fc.oneof(
    line,
    fc.record({ text: line, case_sensitive: fc.constant(false) }),
    fc.record({ text: line, whole_word: fc.constant(true) }),
  ),
  { minLength: 1, maxLength: 4 },
);
const choices = fc.array(oneLine, { minLength: 1, maxLength: 4 });
const hole = fc.oneof(
  fc.record({ words: bounds, exclude: phrases }),
  fc.record({ choices, characters: bounds }),
  fc.record({ regex: line }),
);

/** Requests as the form writes them. */
const requests: fc.Arbitrary<TextRequest> = fc.record(
  {
    model: fc.constant('maskwright-small'),
    prompt: line,
    style: fc.oneof(fc.constant('sms'), fc.record({ name: fc.constant('faq'), strength: fc.nat(10) })),
    length: fc.array(
      fc.tuple(fc.constantFrom(...LENGTH_UNITS), bounds).map(([unit, of]) => ({ unit, ...of })),
      { minLength: 1, maxLength: 3 },
    ),
    include: phrases,
    exclude: phrases,
    regex: line,
    json_schema: fc
      .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue())
      // As it is when it was read: JSON knows no -0.
      .map((schema) => JSON.parse(JSON.stringify(schema))),
    choices,
    choice_probabilities: fc.constant(true),
    facts: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), line, { minKeys: 1, maxKeys: 3 }),
    seed: fc.maxSafeNat(),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }).filter((value) => !Object.is(value, -0)),
    diffusion: fc.oneof(
      fc.record({ effort: fc.constantFrom(...EFFORTS), steps: fc.integer({ min: 1, max: 256 }) }),
      fc.record({
        sampler: fc.constant('remdm' as const),
        remask: fc.constant('loop' as const),
        t_on: fc.constant(0.5),
      }),
      fc.record({ guidance: fc.constant(1.5), block: fc.constant(32), kv_cache: fc.constant('dual' as const) }),
    ),
    cache: fc.constantFrom('refresh' as const, 'no-store' as const),
  },
  { requiredKeys: [] },
);
const withTemplates = fc.tuple(requests, hole).map(
  ([request, spec]): TextRequest => ({
    ...request,
    template: 'A {{first:words=2}} and {{second}}.',
    holes: { second: spec },
  }),
);

describe('a request', () => {
  it('survives the form', () => {
    fc.assert(
      fc.property(fc.oneof(requests, withTemplates), (request) => {
        const draft = draftOf(request);
        expect(requestOf(draft, readTemplate(draft.template).holes)).toEqual(request);
      }),
    );
  });

  it('survives a link, which holds no key', () => {
    fc.assert(
      fc.property(fc.oneof(requests, withTemplates), (request) => {
        expect(readFragment(fragmentOf(request))).toEqual({ request, key: undefined, unreadable: false });
      }),
    );
  });

  it('of the gallery survives the form', () => {
    for (const { request } of GALLERY) {
      const draft = draftOf(request);
      expect(requestOf(draft, readTemplate(draft.template).holes)).toEqual(request);
    }
  });

  it('leaves out rows that say nothing, and holes the template has lost', () => {
    const draft = draftOf({ prompt: 'tea', template: 'A {{cup}}.', holes: { cup: { words: { exact: 1 } } } });
    draft.lengths.push({ unit: 'words', min: '', max: '' });
    draft.include.push({ text: '', anyCase: true, wholeWord: false });
    draft.facts.push({ name: '', value: '' });
    draft.template = 'No cup.';
    expect(requestOf(draft, readTemplate(draft.template).holes)).toEqual({ prompt: 'tea', template: 'No cup.' });
  });

  it('with a schema that is no JSON is not sent, and the field is named', () => {
    const draft = { ...draftOf({ prompt: 'tea' }), schema: '{"type": ' };
    expect(requestOf(draft, [])).toMatchObject({ pointer: '/json_schema' });
  });

  it('is not offered settings that the sampler does not have', () => {
    const draft = draftOf({ diffusion: { sampler: 'remdm', remask: 'rescale', eta: 0.5 } });
    draft.settings.remask = 'conf';
    expect(requestOf(draft, [])).toEqual({ diffusion: { sampler: 'remdm', remask: 'conf' } });
    draft.sampler = 'threshold';
    expect(requestOf(draft, [])).toEqual({ diffusion: { sampler: 'threshold' } });
  });
});

describe('an address', () => {
  it('may carry a key from npm start', () => {
    expect(readFragment('#key=sk_test_abc')).toEqual({ key: 'sk_test_abc', unreadable: false });
    expect(readFragment('')).toEqual({ key: undefined, unreadable: false });
  });

  it('that carries no request is told from one that does', () => {
    for (const hash of ['#request=', '#request=%7B', '#request=%5B%5D', '#request=%7B%22promt%22%3A%22tea%22%7D']) {
      expect(readFragment(hash).unreadable).toBe(true);
    }
  });
});

/** What a shell makes of a line: the parameters that curl would get. */
function parametersIn(shell: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${shell}`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', env: { KEY: 'sk_test_1' } })
    .split('\0')
    .slice(0, -1);
}

describe('a line for a shell', () => {
  it('sends the request byte for byte', () => {
    for (const prompt of ["it's $HOME `id` \"x\" \\ 'y'", 'two\nlines', '“tea” – €5 🍵']) {
      const request: TextRequest = { prompt, seed: 7 };
      const parameters = parametersIn(curlOf('https://api.example', request));
      expect(JSON.parse(parameters.at(-1)!)).toEqual(request);
      expect(parameters).toContain('authorization: Bearer sk_test_1');
      expect(parameters).toContain('https://api.example/v1/generations');
    }
  });

  it('that saves a preset leaves out what decides over one answer alone', () => {
    const body = JSON.parse(
      parametersIn(presetOf('https://api.example', { prompt: 'tea', seed: 7, cache: 'refresh' })).at(-1)!,
    );
    expect(body.request).toEqual({ prompt: 'tea' });
  });
});

describe('the steps', () => {
  const accepted: AcceptedEvent = {
    type: 'accepted',
    id: 'gen_1',
    model: 'm',
    revision: 'r',
    seed: 1,
    index: 0,
    positions: 3,
    fixed: [{ position: 0, text: 'A' }],
    steps: 3,
  };
  const step = (number: number, more: Partial<StepEvent>): StepEvent => ({
    type: 'step',
    index: 0,
    step: number,
    committed: [],
    remasked: [],
    masks_left: 0,
    ...more,
  });

  it('say of each position what stands there, since when, and how sure that was', () => {
    const first = firstRow(accepted);
    expect(textOf(first)).toBe('A░░');
    const second = nextRow(
      first,
      step(1, { committed: [{ position: 1, text: ' cup', confidence: 0.876 }], masks_left: 1 }),
    );
    const third = nextRow(second, step(2, { remasked: [1], masks_left: 2 }));
    const fourth = nextRow(
      third,
      step(3, { committed: [{ position: 1, text: ' pot', confidence: 1 }], masks_left: 1 }),
    );
    expect([second, third, fourth].map(textOf)).toEqual(['A cup░', 'A░░', 'A pot░']);
    expect(second.cells.map(cellInWords)).toEqual([
      '“A”, there from the start',
      '“ cup”, committed at step 1, confidence 88 %',
      'masked',
    ]);
    expect(cellInWords(third.cells[1])).toBe('masked again at step 2');
    expect(cellInWords(fourth.cells[1])).toBe('“ pot”, committed at step 3, confidence 100 %');
  });

  it('tell a token that was replaced from one that was committed', () => {
    const before = nextRow(
      firstRow(accepted),
      step(1, { committed: [{ position: 1, text: ' cup', confidence: 0.5 }] }),
    );
    const after = nextRow(
      before,
      step(2, { remasked: [1], committed: [{ position: 1, text: ' mug', confidence: 0.9 }] }),
    );
    expect(cellInWords(after.cells[1])).toBe('“ mug”, replaced at step 2, confidence 90 %');
  });
});
