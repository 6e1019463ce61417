/** Runs of presets: what their variables make of the request, and what they cost. */
import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../../shared/constraints/template.ts';
import { CACHED, metered, TEXT } from '../metered.ts';
import { parseEvents } from '../upstream.ts';
import { makePreset, refusal, runOf } from './presets.ts';

describe('a run of a preset', () => {
  it('is answered and paid like the request it saves', async () => {
    const running = await metered();
    const { id } = await makePreset(running);
    const response = await runOf(running, id, { who: 'Ann' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      object: 'generation',
      text: 'Hello wörld',
      cache: { status: 'bypass' },
    });
    expect(running.jobs[0].request.template).toBe('Hello Ann, {{rest:words=1..4}}');
    expect(await running.charges()).toEqual([{ kind: 'computed', amount: -TEXT, work: TEXT, texts: 1 }]);
  });

  it('is streamed where the page asks for it', async () => {
    const running = await metered();
    const { id } = await makePreset(running);
    const steps = parseEvents(await (await runOf(running, id, { who: 'Ann' }, { stream: 'steps' })).text());
    expect(steps.map(([name]) => name)).toEqual(['accepted', 'step', 'step', 'done', 'message']);
    const text = parseEvents(await (await runOf(running, id, { who: 'Ann' }, { stream: 'text' })).text());
    expect(text.map(([name]) => name)).toContain('text');
  });

  it('has a seed of its own each time, and keeps nothing', async () => {
    const running = await metered();
    const { id } = await makePreset(running);
    for (let i = 0; i < 3; i++) await (await runOf(running, id, { who: 'Ann' })).json();
    expect(new Set(running.jobs.map(({ request }) => request.seed)).size).toBe(3);
    expect(await running.charges()).toHaveLength(3);
    expect((await running.charges()).every(({ kind }) => kind === 'computed')).toBe(true);
  });

  it('with variants costs so many generations, and goes round them', async () => {
    const running = await metered();
    const { id } = await makePreset(running, { variants: 3 });
    const seeds: number[] = [];
    for (let i = 0; i < 9; i++) {
      const answer = (await (await runOf(running, id, { who: 'Ann' })).json()) as { seed: number };
      seeds.push(answer.seed);
      await running.settled();
    }
    expect(seeds.slice(0, 3).sort()).toEqual([0, 1, 2]);
    expect(seeds).toEqual([...seeds.slice(0, 3), ...seeds.slice(0, 3), ...seeds.slice(0, 3)]);
    expect(running.generations()).toBe(3);
    const kinds = (await running.charges()).map(({ kind, amount }) => [kind, amount]);
    expect(kinds.slice(3)).toEqual(Array.from({ length: 6 }, () => ['cached', -CACHED]));
  });

  it('with an Idempotency-Key is replayed', async () => {
    const running = await metered();
    const { id } = await makePreset(running);
    const once = () =>
      running.fetch(`/v1/presets/${id}/runs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
        body: '{"variables":{"who":"Ann"}}',
      });
    const first = (await (await once()).json()) as { seed: number };
    await running.settled();
    const again = await once();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await again.json()).toMatchObject({ seed: first.seed });
    expect(running.generations()).toBe(1);
  });
});

/** Values that try to be more than data. */
const MISCHIEF = [
  '{{rest}}',
  '{{fact:price}}',
  '{{var:who}}',
  '{{',
  '\\{{x}}',
  '}}{{a:words=9}}',
  '{',
  '\\',
  '"},"prompt":"',
  '<script>alert(1)</script>',
];

describe('the values of variables', () => {
  it.each(MISCHIEF)('are data, even %j', async (value) => {
    const running = await metered();
    const request = {
      template: '{{{var:who}}{{rest:words=1..4}} {{fact:price}}',
      prompt: 'for {{var:who}}',
      facts: { price: '{{var:who}}!' },
    };
    const { id } = await makePreset(running, { request, variables: { who: { max_characters: 30 } } });
    expect((await runOf(running, id, { who: value })).status).toBe(200);
    const { prompt, facts, template } = running.jobs[0].request;
    expect([prompt, facts]).toEqual([`for ${value}`, { price: `${value}!` }]);
    // The one hole and the one fact are those of the preset, and what stands before them is the value.
    expect(parseTemplate(template ?? '')).toEqual([
      { kind: 'literal', text: `{${value}` },
      { kind: 'hole', name: 'rest', bounds: { words: { min: 1, max: 4 } } },
      { kind: 'literal', text: ' ' },
      { kind: 'fact', name: 'price' },
    ]);
  });

  it.each([
    [{}, '/variables/who'],
    [{ who: '' }, '/variables/who'],
    [{ who: 'x'.repeat(21) }, '/variables/who'],
    [{ who: 7 }, '/variables/who'],
    [{ who: 'Ann', what: 'x' }, '/variables/what'],
    [{ who: 'Ann', constructor: 'x' }, '/variables/constructor'],
    [{ who: '\ud800' }, '/variables/who'],
  ])('that are not allowed are refused, and cost nothing: %j', async (values, pointer) => {
    const running = await metered();
    const { id } = await makePreset(running);
    const [status, , at] = await refusal(await runOf(running, id, values));
    expect([status, at]).toEqual([400, pointer]);
    expect(running.generations()).toBe(0);
    expect(await running.charges()).toEqual([]);
  });

  it('are counted in characters, come from the choices, match the pattern, or are the default', async () => {
    const running = await metered();
    const request = { prompt: '{{var:a}} {{var:b}} {{var:c}}' };
    const variables = {
      a: { max_characters: 2 },
      b: { choices: ['one', 'two'], default: 'two' },
      c: { pattern: '\\d+' },
    };
    const { id } = await makePreset(running, { request, variables });
    const promptOf = async (values: object) => {
      const response = await runOf(running, id, values);
      return response.status === 200 ? running.jobs.at(-1)?.request.prompt : (await refusal(response))[2];
    };
    expect(await promptOf({ a: '🙂🙂', c: '12' })).toBe('🙂🙂 two 12');
    expect(await promptOf({ a: '🙂🙂🙂', c: '12' })).toBe('/variables/a');
    expect(await promptOf({ a: 'x', b: 'three', c: '12' })).toBe('/variables/b');
    expect(await promptOf({ a: 'x', c: '12x' })).toBe('/variables/c');
  });

  it('of a megabyte are refused by their size', async () => {
    const running = await metered();
    const { id } = await makePreset(running);
    const [status, code] = await refusal(await runOf(running, id, { who: 'x'.repeat(1_000_000) }));
    expect([status, code]).toEqual([413, 'body_too_large']);
  });

  it('that make the request impossible are refused with a pointer into it, and cost nothing', async () => {
    const running = await metered();
    const request = { template: '{{var:who}}{{rest}}', exclude: ['bad'] };
    const { id } = await makePreset(running, { request });
    const response = await runOf(running, id, { who: 'a bad word' });
    expect(await response.json()).toMatchObject({
      code: 'unsatisfiable_constraints',
      conflict: ['/request/template', '/request/exclude/0'],
    });
    expect(await running.charges()).toEqual([]);
  });
});
