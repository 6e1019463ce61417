/**
 * Three books of the same money, compared to the micro-dollar: the entries of the ledgers, their rows in D1, and what the inference
 * services say for themselves that they did.
 */
import { jobIdentifier } from '../edge/identifier.ts';
import type { Entry } from '../edge/ledger/protocol.ts';
import type { JobWork } from '../shared/contract/job-work.ts';
import { type Price, priceOfAll, type Work } from '../shared/contract/price.ts';
import type { LoggedJob, MoneyBackends } from './money-backends.ts';
import type { Told } from './money-clients.ts';
import type { MoneyEdge } from './money-edge.ts';

export interface Audit {
  /** What is wrong, in words. */
  readonly faults: readonly string[];
  /** Micro-dollars and number of requests that were charged, by what shows that it is right. */
  readonly proven: Readonly<Record<Proof, { readonly requests: number; readonly amount: number }>>;
  /** Requests that cost nothing. */
  readonly free: number;
}

/** The account of a service that lives; what the caller was handed; the log of a service that was killed; the price of what was there. */
type Proof = 'service' | 'caller' | 'log' | 'price';

export interface Books {
  readonly edge: MoneyEdge;
  readonly backends: Pick<MoneyBackends, 'accounts' | 'logged'>;
  readonly price: Price;
  readonly told: readonly Told[];
  readonly accounts: readonly string[];
}

/** Compares them. Nothing may be under way any more. */
export async function audit({ edge, backends, price, told, accounts }: Books): Promise<Audit> {
  const faults: string[] = [];
  const proven = { service: none(), caller: none(), log: none(), price: none() };
  const byRequest = new Map(told.map((one) => [one.requests[0], one]));
  const charged = new Set<string>();
  for (const account of accounts) {
    const entries = await edge.entries(account);
    faults.push(...(await faultsOfAccount(edge, account, entries)));
    for (const entry of entries) {
      if (entry.kind !== 'computed' && entry.kind !== 'cached' && entry.kind !== 'joined') continue;
      charged.add(entry.id);
      const found = await proofOf(entry, account, byRequest.get(entry.id), { backends, price });
      if (found.fault !== undefined) faults.push(`${entry.id} (${entry.kind}): ${found.fault}`);
      else {
        proven[found.proof].requests++;
        proven[found.proof].amount -= entry.amount;
      }
    }
  }
  const requests = await requestsOf(edge, byRequest, accounts[0]);
  for (const [request, account] of requests) {
    if (charged.has(request)) continue;
    const fault = await faultOfFree(request, byRequest.get(request), account, { backends, price });
    if (fault !== undefined) faults.push(`${request} (free): ${fault}`);
  }
  return { faults, proven, free: requests.size - charged.size };
}

const none = () => ({ requests: 0, amount: 0 });

async function faultsOfAccount(edge: MoneyEdge, account: string, entries: readonly Entry[]): Promise<string[]> {
  const faults: string[] = [];
  let sum = 0;
  for (const [n, { seq, amount, balance }] of entries.entries()) {
    sum += amount;
    if (seq !== n + 1) faults.push(`${account}: entry ${n + 1} has number ${seq}`);
    if (balance !== sum || balance < 0)
      faults.push(`${account}: behind entry ${seq} the balance is ${balance}, not ${sum}`);
  }
  const now = await edge.balance(account);
  if (now.held !== 0) faults.push(`${account}: ${now.held} are held, and nothing is under way`);
  if (now.balance !== sum) faults.push(`${account}: the balance is ${now.balance}, the sum of its entries ${sum}`);
  const said = entries.map((entry) => line(entry));
  const rows = (await edge.statements(account)).map((row) => line(row));
  if (rows.length !== said.length) faults.push(`${account}: ${said.length} entries, ${rows.length} rows in D1`);
  said.forEach((entry, n) => {
    if (rows[n] !== entry) faults.push(`${account}: the ledger says ${entry}, D1 ${rows[n]}`);
  });
  return faults;
}

const line = ({ seq, id, kind, amount, balance, at, work, texts }: Entry) =>
  JSON.stringify([seq, id, kind, amount, balance, at, work ?? null, texts ?? null]);

type Found = { readonly proof: Proof; readonly fault?: undefined } | { readonly fault: string };

async function proofOf(
  { id, kind, amount, work }: Entry,
  account: string,
  told: Told | undefined,
  { backends, price }: Pick<Books, 'backends' | 'price'>,
): Promise<Found> {
  const usages = [...(told?.usages.values() ?? [])];
  const handed = usages.reduce((sum, usage) => sum + usage.price.micro_dollars, 0);
  if (told?.whole && handed !== -amount) return { fault: `its caller was told ${handed}, and charged ${-amount}` };
  if (kind !== 'computed') {
    return amount === -price.cached ? { proof: 'price' } : { fault: `charged ${-amount}, which is not the price` };
  }
  const did = (await backends.accounts(jobIdentifier(id), account)).filter(({ texts }) => texts.length > 0);
  if (did.length > 1) return { fault: 'two services count as having done it' };
  if (did.length === 1) {
    const owed = priceOfAll(price, did[0].texts);
    if (owed !== -amount) return { fault: `${-amount} charged, ${owed} by its service: ${JSON.stringify(did[0])}` };
    return workOf(did[0].texts) === work
      ? { proof: 'service' }
      : { fault: `work ${work}, by its service ${workOf(did[0].texts)}` };
  }
  if (told?.whole) return { proof: 'caller' };
  // Its service was killed since: of what it did only its log is left.
  const lines = backends.logged(jobIdentifier(id));
  if (lines.some((one) => agrees(one, work ?? 0, told))) return { proof: 'log' };
  return { fault: `${-amount} charged, work ${work}, by the logs of services: ${JSON.stringify(lines)}` };
}

/** Steps that an engine took and that were not recorded any more when the job was broken off. */
const UNRECORDED = 2;

/** Whether a service that ended a job could have said this of its work. Of several texts its log has the sums, which are bounds only. */
function agrees({ n, positions, steps, outcome }: LoggedJob, work: number, told: Told | undefined): boolean {
  const seen = [...(told?.steps ?? [])].reduce(
    (sum, [index, count]) => sum + count * (told?.positions.get(index) ?? 0),
    0,
  );
  if (work < seen || work > positions * steps) return false;
  if (outcome === 'done') return n > 1 || work === positions * steps;
  return outcome === 'cancelled' && (n > 1 || work >= positions * (steps - UNRECORDED));
}

const workOf = (texts: readonly Work[]) =>
  texts.reduce((sum, { positions, denoising_steps: steps }) => sum + positions * steps, 0);

/** All requests with a job, and their accounts: those that callers know of, and those whose callers left before they were told. */
async function requestsOf(edge: MoneyEdge, told: ReadonlyMap<string, Told>, fallback: string) {
  const requests = new Map<string, string>();
  for (const { request, job, account = fallback } of edge.log as readonly {
    request?: string;
    job?: string;
    account?: string;
  }[]) {
    // A stream that is taken up is a request with the job of another.
    if (request !== undefined && job === jobIdentifier(request)) requests.set(request, account);
  }
  for (const [request, { account, job }] of told) if (job !== undefined) requests.set(request, account);
  return requests;
}

/** What was not charged was our failure, or nothing ran for it. */
async function faultOfFree(
  request: string,
  told: Told | undefined,
  account: string,
  { backends, price: ours }: Pick<Books, 'backends' | 'price'>,
): Promise<string | undefined> {
  // Who came back for the rest may have it all, and the service be killed before the ledger could ask what it was.
  if (told?.whole && told.returns === 0 && [...told.usages.values()].some(({ price }) => price.micro_dollars > 0)) {
    return 'its caller has all of it, and was told a price';
  }
  if (told?.problem !== undefined && told.returns === 0) return undefined;
  const owed = (work: JobWork) => (work.outcome === 'problem' ? 0 : priceOfAll(ours, work.texts));
  const did = (await backends.accounts(jobIdentifier(request), account)).filter((work) => owed(work) > 0);
  return did.length === 0 ? undefined : `by its service it costs ${owed(did[0])}: ${JSON.stringify(did[0])}`;
}
