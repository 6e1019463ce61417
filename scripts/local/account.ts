/** The account of a local run: opened through the admin route like any other, with play money to spend. */
const GRANT_MICRO_DOLLARS = 100_000_000;

/** Its keys. That of the live mode makes publishable keys and what they run; here it spends play money too. */
export interface LocalKeys {
  readonly test: string;
  readonly live: string;
}

/**
 * Opens an account.
 * @throws Error with the answer where it is no success
 */
export async function openLocalAccount(url: string, adminSecret: string): Promise<LocalKeys> {
  const response = await fetch(`${url}/v1/admin/accounts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminSecret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'local',
      grant_micro_dollars: { test: GRANT_MICRO_DOLLARS, live: GRANT_MICRO_DOLLARS },
      keys: ['test', 'live'],
    }),
  });
  if (response.status !== 201) {
    throw new Error(`The account of this run was answered with status ${response.status}: ${await response.text()}`);
  }
  const { keys } = (await response.json()) as { readonly keys: readonly { readonly key: string }[] };
  return { test: keys[0].key, live: keys[1].key };
}
