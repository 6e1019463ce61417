/** The account of a local run: opened through the admin route like any other, with play money to spend. */
const GRANT_MICRO_DOLLARS = 100_000_000;

/**
 * Opens an account.
 * @returns its test key
 * @throws Error with the answer where it is no success
 */
export async function openLocalAccount(url: string, adminSecret: string): Promise<string> {
  const response = await fetch(`${url}/v1/admin/accounts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminSecret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'local', grant_micro_dollars: { test: GRANT_MICRO_DOLLARS }, keys: ['test'] }),
  });
  if (response.status !== 201) {
    throw new Error(`The account of this run was answered with status ${response.status}: ${await response.text()}`);
  }
  const { keys } = (await response.json()) as { readonly keys: readonly { readonly key: string }[] };
  return keys[0].key;
}
