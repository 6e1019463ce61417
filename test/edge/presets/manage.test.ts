/** Presets as the owner of an account manages them. */
import { describe, expect, it } from 'vitest';
import { unseal } from '../../../edge/presets/sealed.ts';
import { metered } from '../metered.ts';
import { GREETING, makePreset, refusal, runOf } from './presets.ts';

const SESSION_SECRET = 'the session secret of this test, 32 characters at least';
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

describe('a preset', () => {
  it('is made, shown with what was not said, listed and deleted', async () => {
    const running = await metered();
    const made = await makePreset(running);
    expect(made).toMatchObject({
      ...GREETING,
      mode: 'live',
      visitor_runs_per_minute: 10,
      visitor_runs_per_day: 100,
      protection: 'origin',
    });
    expect(made.id).toMatch(/^preset_[0-9a-z]{24}$/);
    expect(await (await running.fetch(`/v1/presets/${made.id}`)).json()).toEqual(made);
    const newer = await makePreset(running, { name: 'newer' });
    const list = (await (await running.fetch('/v1/presets?limit=1')).json()) as { data: object[]; has_more: boolean };
    expect([list.data, list.has_more]).toEqual([[newer], true]);
    const rest = (await (await running.fetch(`/v1/presets?after=${newer.id}`)).json()) as { data: object[] };
    expect(rest.data).toEqual([made]);
    expect((await running.fetch(`/v1/presets/${made.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await refusal(await running.fetch(`/v1/presets/${made.id}`))).toEqual([404, 'unknown_preset', undefined]);
    expect(await refusal(await runOf(running, made.id, { who: 'Ann' }))).toEqual([404, 'unknown_preset', undefined]);
  });

  it('is replaced under its id, for the next run already', async () => {
    const running = await metered();
    const { id, created_at } = await makePreset(running);
    await runOf(running, id, { who: 'Ann' });
    const other = { ...GREETING, request: { prompt: 'about {{var:thing}}' }, variables: { thing: {} } };
    const replaced = await running.sendJson(`/v1/presets/${id}`, running.key, other, 'PUT');
    expect(await replaced.json()).toMatchObject({ ...other, id, created_at });
    expect((await runOf(running, id, { thing: 'socks' })).status).toBe(200);
    expect(running.jobs.at(-1)?.request.prompt).toBe('about socks');
  });

  it('leaves its changes in the audit, without its name', async () => {
    const running = await metered();
    const { id } = await makePreset(running, { name: 'secret plans' });
    await running.sendJson(`/v1/presets/${id}`, running.key, { ...GREETING, name: 'secret plans' }, 'PUT');
    await running.fetch(`/v1/presets/${id}`, { method: 'DELETE' });
    const audit = await (await running.fetch('/v1/audit')).text();
    const { data } = JSON.parse(audit) as { data: { action: string; target: string }[] };
    const actions = data.filter(({ target }) => target === id).map(({ action }) => action);
    expect(actions).toEqual(['preset.deleted', 'preset.replaced', 'preset.created']);
    expect(audit).not.toContain('secret plans');
  });

  it('belongs to one account and one mode; to others it is not there', async () => {
    const [mine, yours] = [await metered(), await metered()];
    const { id } = await makePreset(mine);
    const test = mine.account.keys.find(({ mode }) => mode === 'test')!.key;
    for (const [running, key] of [
      [mine, test],
      [yours, yours.key],
    ] as const) {
      const unknown = [404, 'unknown_preset', undefined];
      expect(await refusal(await running.fetch(`/v1/presets/${id}`, as(key)))).toEqual(unknown);
      expect(await refusal(await running.fetch(`/v1/presets/${id}`, { method: 'DELETE', ...as(key) }))).toEqual(
        unknown,
      );
      expect(await refusal(await running.sendJson(`/v1/presets/${id}`, key, GREETING, 'PUT'))).toEqual(unknown);
      expect(await refusal(await runOf(running, id, { who: 'Ann' }, {}, key))).toEqual(unknown);
      expect(await (await running.fetch('/v1/presets', as(key))).text()).not.toContain(id);
      expect(await (await running.fetch(`/v1/presets?after=${id}`, as(key))).text()).not.toContain('preset_');
    }
    expect((await runOf(mine, id, { who: 'Ann' })).status).toBe(200);
    expect(await makePreset(mine, {}, test)).toMatchObject({ mode: 'test' });
  });

  it('is refused beyond a hundred', async () => {
    const running = await metered();
    await makePreset(running);
    const copy = `INSERT INTO presets (id, account, mode, terms, created)
      SELECT p.id || '_' || n.value, account, 'test', terms, created FROM presets p, json_each(?2) n WHERE account = ?1`;
    const numbers = JSON.stringify(Array.from({ length: 99 }, (_, i) => i));
    await running.env.DB.prepare(copy).bind(running.account.id, numbers).run();
    const response = await running.sendJson('/v1/presets', running.key, GREETING);
    expect(await refusal(response)).toEqual([409, 'conflict', undefined]);
  });

  it('keeps the secret of Turnstile sealed, never shows it, and still has it when it is replaced', async () => {
    const running = await metered();
    Object.assign(running.env, { SESSION_SECRET });
    const protection = { protection: 'turnstile', turnstile: { secret: '1x0000000000000000000000000000000AA' } };
    const made = await makePreset(running, protection);
    expect(JSON.stringify(made)).not.toContain('1x000');
    const stored = () => running.env.DB.prepare('SELECT * FROM presets WHERE id = ?').bind(made.id).first();
    const { terms, turnstile } = (await stored()) as { terms: string; turnstile: string };
    expect(terms + turnstile).not.toContain('1x000');
    expect(await unseal(running.env, made.id, turnstile)).toBe(protection.turnstile.secret);
    const lost = { problem: { code: 'conflict' } };
    await expect(unseal(running.env, 'preset_another', turnstile)).rejects.toMatchObject(lost);
    const changed = { ...running.env, SESSION_SECRET: 'another session secret of 32 characters or more' };
    await expect(unseal(changed, made.id, turnstile)).rejects.toMatchObject(lost);
    const again = { ...GREETING, protection: 'turnstile' };
    expect((await running.sendJson(`/v1/presets/${made.id}`, running.key, again, 'PUT')).status).toBe(200);
    expect(await stored()).toMatchObject({ turnstile });
    await running.sendJson(`/v1/presets/${made.id}`, running.key, GREETING, 'PUT');
    expect(await stored()).toMatchObject({ turnstile: null });
  });

  it('with a secret is not made where nothing could seal it', async () => {
    const running = await metered();
    Object.assign(running.env, { SESSION_SECRET: 'too short' });
    const body = { ...GREETING, protection: 'turnstile', turnstile: { secret: 's' } };
    const [status, code] = await refusal(await running.sendJson('/v1/presets', running.key, body));
    expect([status, code]).toEqual([501, 'not_configured']);
  });
});

/** What is wrong with a preset, by the pointer of where. */
const WRONG: readonly [object, string][] = [
  [{ name: '' }, '/name'],
  [{ colour: 1 }, '/colour'],
  [{ daily_limit_micro_dollars: undefined }, '/daily_limit_micro_dollars'],
  [{ daily_limit_micro_dollars: 0.5 }, '/daily_limit_micro_dollars'],
  [{ variants: 21 }, '/variants'],
  [{ visitor_runs_per_minute: 0 }, '/visitor_runs_per_minute'],
  [{ protection: 'none' }, '/protection'],
  [{ protection: 'turnstile' }, '/turnstile'],
  [{ turnstile: { secret: 's' } }, '/turnstile'],
  [{ request: { ...GREETING.request, seed: 1 } }, '/request/seed'],
  [{ request: { ...GREETING.request, n: 1 } }, '/request/n'],
  [{ request: { ...GREETING.request, stream: 'text' } }, '/request/stream'],
  [{ request: { ...GREETING.request, cache: 'no-store' } }, '/request/cache'],
  // Where a variable may stand, and where not.
  [{ variables: {} }, '/request/template'],
  [{ variables: { who: {}, what: {} } }, '/variables/what'],
  [{ variables: { who: {}, '9': {} } }, '/variables/9'],
  [{ request: { template: '{{var:who}}', regex: '{{var:who}}' } }, '/request/regex'],
  [{ request: { template: '{{var:who}}', style: '{{var:who}}' } }, '/request/style'],
  [{ request: { template: '{{var:who}}', model: '{{var:who}}' } }, '/request/model'],
  [{ request: { template: '{{var:who}}', json_schema: { enum: ['{{ var : who }}'] } } }, '/request/json_schema/enum/0'],
  [{ request: { template: '{{var:who}}', facts: { '{{var:who}}': 'a' } } }, '/request/facts/{{var:who}}'],
  [{ request: { template: '{{var:who}}', prompt: 'of {{var:9}}' } }, '/request/prompt'],
  // What is said of a variable.
  [{ variables: { who: { max_characters: 201 } } }, '/variables/who/max_characters'],
  [{ variables: { who: { min_characters: 9, max_characters: 8 } } }, '/variables/who/min_characters'],
  [{ variables: { who: { choices: [] } } }, '/variables/who/choices'],
  [{ variables: { who: { choices: ['Ann', 'Bartholomew'], max_characters: 5 } } }, '/variables/who/choices/1'],
  [{ variables: { who: { default: '' } } }, '/variables/who/default'],
  [{ variables: { who: { pattern: '[a-z]+', default: 'Ann' } } }, '/variables/who/default'],
  [{ variables: { who: { pattern: '[a-z' } } }, '/variables/who/pattern'],
  [{ variables: { who: { pattern: '(?=a)a' } } }, '/variables/who/pattern'],
  [{ variables: { who: { pattern: '[a-z]{9}', max_characters: 8 } } }, '/variables/who/pattern'],
  // What no run could be.
  [{ request: { template: 'Hello {{var:who}} {{' } }, '/request/template'],
  [{ request: { template: '{{var:who}}', style: 'sonnet' } }, '/request/style'],
  [{ request: { template: '{{var:who}}', diffusion: { eta: 0.5 } } }, '/request/diffusion/eta'],
];

describe('a preset that is wrong', () => {
  it.each(WRONG)('as %j is refused at %s', async (wrong, pointer) => {
    const running = await metered();
    const response = await running.sendJson('/v1/presets', running.key, { ...GREETING, ...wrong });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect((await refusal(response))[2]).toBe(pointer);
  });

  it('as nothing can satisfy it is refused with what is in conflict, and at which values', async () => {
    const running = await metered();
    const request = { include: ['{{var:who}}'], length: { unit: 'characters', max: 12 } };
    const response = await running.sendJson('/v1/presets', running.key, { ...GREETING, request });
    expect(await response.json()).toMatchObject({
      status: 422,
      code: 'unsatisfiable_constraints',
      conflict: ['/request/length', '/request/include/0'],
      detail: expect.stringContaining('variables at their longest'),
    });
    expect(
      (
        await running.sendJson('/v1/presets', running.key, {
          ...GREETING,
          request,
          variables: { who: { max_characters: 12 } },
        })
      ).status,
    ).toBe(201);
  });

  it('with more variables than sixteen is refused', async () => {
    const running = await metered();
    const names = Array.from({ length: 17 }, (_, i) => `v${i}`);
    const request = { prompt: names.map((name) => `{{var:${name}}}`).join(' ') };
    const variables = Object.fromEntries(names.map((name) => [name, {}]));
    const response = await running.sendJson('/v1/presets', running.key, { ...GREETING, request, variables });
    expect((await refusal(response))[2]).toBe('/variables');
  });
});
