/** Changes of keys that fail between two of the places that know of them: nothing is said to be done that is not, and trying again mends it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ledgerOf } from '../../../edge/ledger/ledger-of.ts';
import type { LedgerApi } from '../../../edge/ledger/protocol.ts';
import { asks } from '../ledger/account.ts';
import { edge } from '../upstream.ts';

type Edge = Awaited<ReturnType<typeof edge>>;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];
const status = async ({ send }: Edge, key: string) =>
  (await send('/v1/models', { headers: { authorization: `Bearer ${key}` } })).status;

async function make({ sendJson, key }: Edge): Promise<{ id: string; key: string }> {
  return (await sendJson('/v1/keys', key, { name: 'n' })).json();
}

async function begin({ env, account }: Edge, id: string): Promise<string> {
  const begun = await ledgerOf(env, account.id, 'live').begin(asks({ key: id }));
  return begun.type === 'refused' ? begun.problem.code : begun.type;
}

/** D1 takes no batch any more. */
function breakD1({ env }: Edge) {
  return vi.spyOn(env.DB, 'batch').mockRejectedValue(new Error('D1 is down'));
}

/** The ledger takes no key any more but the first few. */
function breakLedger({ env }: Edge, passes = 0): void {
  const { LEDGER } = env;
  let calls = 0;
  const broken = (name: string): LedgerApi => {
    const ledger = LEDGER.getByName(name);
    return new Proxy(ledger, {
      get(target, property) {
        if (property !== 'putKey' || calls++ < passes) return Reflect.get(target, property);
        return () => Promise.reject(new Error('the ledger is down'));
      },
    });
  };
  Object.assign(env, { LEDGER: { getByName: broken } });
}

async function keys({ fetch }: Edge): Promise<{ id: string; state: string; expires_at: string | null }[]> {
  return ((await (await fetch('/v1/keys')).json()) as { data: [] }).data;
}

describe('a key whose making fails', () => {
  it('at the ledger is nowhere', async () => {
    const running = await edge();
    breakLedger(running);
    expect(await codeOf(await running.sendJson('/v1/keys', running.key, { name: 'n' }))).toEqual([
      503,
      'ledger_unavailable',
    ]);
    expect(await keys(running)).toHaveLength(2);
  });

  it('at D1 is nobody’s, is not in the audit, and can be asked for again', async () => {
    const running = await edge();
    const d1 = breakD1(running);
    expect(await codeOf(await running.sendJson('/v1/keys', running.key, { name: 'n' }))).toEqual([
      503,
      'ledger_unavailable',
    ]);
    d1.mockRestore();
    expect(await keys(running)).toHaveLength(2);
    const { data } = (await (await running.fetch('/v1/audit')).json()) as { data: unknown[] };
    expect(data).toHaveLength(3);
    expect(await status(running, (await make(running)).key)).toBe(200);
  });
});

describe('a revocation that fails', () => {
  it('at the ledger has changed nothing', async () => {
    const running = await edge();
    const { id, key } = await make(running);
    const { LEDGER } = running.env;
    breakLedger(running);
    expect((await running.fetch(`/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(503);
    Object.assign(running.env, { LEDGER });
    expect([await status(running, key), await begin(running, id)]).toEqual([200, 'held']);
  });

  it('at D1 has stopped all spending, and is done when it is tried again', async () => {
    const running = await edge();
    const { id, key } = await make(running);
    const d1 = breakD1(running);
    expect((await running.fetch(`/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(503);
    d1.mockRestore();
    expect(await begin(running, id)).toBe('key_revoked');
    expect((await running.fetch(`/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect([await status(running, key), await begin(running, id)]).toEqual([401, 'key_revoked']);
  });

  it('at KV is done: what is kept there is not believed for long', async () => {
    const running = await edge();
    const { id, key } = await make(running);
    expect(await status(running, key)).toBe(200);
    vi.spyOn(running.env.KV, 'delete').mockRejectedValue(new Error('KV is down'));
    expect((await running.fetch(`/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(await begin(running, id)).toBe('key_revoked');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 55_000 });
    expect(await status(running, key)).toBe(401);
    vi.useRealTimers();
  });
});

describe('a rotation that fails', () => {
  const rotate = ({ sendJson, key }: Edge, id: string) =>
    sendJson(`/v1/keys/${id}/rotate`, key, { overlap_seconds: 60 });

  it('at D1 leaves the old key without an end', async () => {
    const running = await edge();
    const { id, key } = await make(running);
    const d1 = breakD1(running);
    expect((await rotate(running, id)).status).toBe(503);
    d1.mockRestore();
    expect((await keys(running)).map(({ expires_at }) => expires_at)).toEqual([null, null, null]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
    expect([await status(running, key), await begin(running, id)]).toEqual([200, 'held']);
    vi.useRealTimers();
    expect((await rotate(running, id)).status).toBe(201);
  });

  it('at the ledger, when both keys are written, shows the new one, and the old one ends all the same', async () => {
    const running = await edge();
    const old = await make(running);
    expect(await status(running, old.key)).toBe(200);
    breakLedger(running, 1);
    const response = await rotate(running, old.id);
    expect(response.status).toBe(201);
    const next = (await response.json()) as { key: string };
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    expect([await status(running, old.key), await status(running, next.key)]).toEqual([401, 200]);
    vi.useRealTimers();
  });
});
