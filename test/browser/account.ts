/** Accounts of the local stack, one for each test that counts money or keys. */
import { inject } from 'vitest';

export interface TestAccount {
  readonly id: string;
  /** Its first keys, which may do everything. */
  readonly live: string;
  readonly test: string;
}

/** Opens one through the admin route, with money in both of its ledgers. */
export async function openAccount(microDollars: number): Promise<TestAccount> {
  const response = await fetch(`${inject('url')}/v1/admin/accounts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inject('adminSecret')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'browser', grant_micro_dollars: { live: microDollars, test: microDollars } }),
  });
  if (response.status !== 201) throw new Error(`The account was answered with ${await response.text()}`);
  const { id, keys } = (await response.json()) as {
    readonly id: string;
    readonly keys: readonly { readonly mode: 'live' | 'test'; readonly key: string }[];
  };
  const keyOf = (mode: 'live' | 'test') => keys.find((key) => key.mode === mode)!.key;
  return { id, live: keyOf('live'), test: keyOf('test') };
}
