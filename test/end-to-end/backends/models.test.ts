/** Which models several services have, and who is asked for one. */
import { describe, expect, it } from 'vitest';
import { backendsOf } from '../../../edge/backends/backend.ts';
import { FAILURES, failed } from '../../../edge/backends/health.ts';
import { readModels, servicesWith } from '../../../edge/backends/models.ts';
import type { Env } from '../../../edge/env.ts';
import type { ModelSummary } from '../../../shared/contract/manifest.ts';
import { envOf } from './services.ts';

let names = 0;

/** Services that have so many models, each written 'id@revision'; one that is down has none. */
function listing(lists: readonly (readonly string[] | undefined)[]) {
  const urls = lists.map(() => `http://m${++names}.invalid`);
  const asked: string[] = [];
  const state = { lists: [...lists] };
  const BACKEND: NonNullable<Env['BACKEND']> = {
    async fetch(input) {
      const at = urls.indexOf(new URL(input).origin);
      asked.push(urls[at]);
      const list = state.lists[at];
      if (list === undefined) throw new Error('connection refused');
      return Response.json(
        list.map((name): Partial<ModelSummary> => {
          const [id, revision] = name.split('@');
          return { id, revision };
        }),
      );
    },
  };
  return { urls, asked, state, env: { ...envOf(urls), BACKEND } };
}

const named = (models: readonly ModelSummary[]) => models.map(({ id, revision }) => `${id}@${revision}`);

describe('the models of several services', () => {
  it('are those of all, each once, the default that of the first', async () => {
    const { env, urls, asked } = listing([['b@1', 'a@1'], ['a@1', 'c@1'], undefined]);
    expect(named(await readModels(env))).toEqual(['b@1', 'a@1', 'c@1']);
    await readModels(env);
    expect(asked).toHaveLength(3); // remembered, that one is down too
    const at = (id: string) => servicesWith(env, id).map(({ url }) => urls.indexOf(url));
    expect([at('a'), at('b'), at('c')]).toEqual([[0, 1], [0], [1]]);
  });

  it('are one revision each: that of the first service that is there, which alone is asked then', async () => {
    const { env, urls } = listing([['a@2'], ['a@1'], ['a@2', 'b@1'], ['a@1']]);
    expect(named(await readModels(env))).toEqual(['a@2', 'b@1']);
    const at = () => servicesWith(env, 'a').map(({ url }) => urls.indexOf(url));
    expect(at()).toEqual([0, 2]);
    const [first, , third] = backendsOf(env);
    for (const { health } of [first, third]) for (let n = 0; n < FAILURES; n++) failed(health, Date.now());
    expect(named(await readModels(env))).toEqual(['a@1', 'b@1']);
    expect(at()).toEqual([1, 3]);
  });

  it('cannot be said while all are down', async () => {
    const { env, state } = listing([undefined, undefined]);
    await expect(readModels(env)).rejects.toMatchObject({ problem: { code: 'backend_unavailable' } });
    state.lists[1] = ['a@1'];
    await expect(readModels(env)).rejects.toMatchObject({ problem: { code: 'backend_unavailable' } });
  });
});
