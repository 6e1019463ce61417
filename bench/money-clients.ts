/** Callers of streams who do what callers do: read to the end, vanish at any moment, come back, send twice. What each was told is kept. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serverSentEvents } from '../shared/client/server-sent-events.ts';
import type { Charge, PricedUsage } from '../shared/contract/price.ts';
import type { AcceptedEvent, DoneEvent, StepEvent } from '../shared/contract/stream.ts';

export interface MoneyAccount {
  readonly id: string;
  readonly key: string;
}

/** What one caller was told, by however many connections. */
export interface Told {
  readonly account: string;
  /** As the header x-request-id of each connection has it; the first is that of the request. */
  readonly requests: string[];
  job?: string;
  status?: number;
  /** The code of a problem he was told. */
  problem?: string;
  /** By text. */
  readonly positions: Map<number, number>;
  readonly steps: Map<number, number>;
  readonly usages: Map<number, PricedUsage & { readonly price: Charge }>;
  /** He read to [DONE]. */
  whole: boolean;
  /** He vanished for good. */
  left: boolean;
  returns: number;
}

export interface Caller {
  readonly url: string;
  readonly account: MoneyAccount;
  readonly body: object;
  readonly idempotencyKey?: string;
  readonly random: () => number;
}

/** When a caller vanishes: after so long, or behind so many events; neither, and he reads to the end. */
interface Patience {
  readonly ms?: number;
  readonly events?: number;
}

const LONGEST_READ_MS = 500;
const MOST_EVENTS = 40;
/** Less than a stream waits for its reader. */
const LONGEST_AWAY_MS = 4_000;
const MOST_RETURNS = 3;

function patience(random: () => number): Patience {
  const kind = random();
  if (kind < 0.45) return {};
  return kind < 0.75 ? { ms: random() * LONGEST_READ_MS } : { events: Math.floor(random() * MOST_EVENTS) };
}

/** Sends a request and reads as its caller's mood has it. */
export async function call({ url, account, body, idempotencyKey, random }: Caller): Promise<Told> {
  const told: Told = {
    ...{ account: account.id, requests: [], whole: false, left: false, returns: 0 },
    ...{ positions: new Map(), steps: new Map(), usages: new Map() },
  };
  const authorization = `Bearer ${account.key}`;
  const headers: Record<string, string> = { authorization, 'content-type': 'application/json' };
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
  const post = { method: 'POST', headers, body: JSON.stringify(body) };
  let last = await listen(told, `${url}/v1/generations`, post, patience(random));
  while (!told.whole && told.problem === undefined) {
    const comesBack = told.job !== undefined && last !== undefined && told.returns < MOST_RETURNS && random() < 0.5;
    if (!comesBack) {
      told.left = true;
      break;
    }
    await sleep(random() * LONGEST_AWAY_MS);
    told.returns++;
    const get = { headers: { authorization, 'last-event-id': last! } };
    last = await listen(told, `${url}/v1/generations/${told.job}/events?stream=steps`, get, patience(random));
  }
  return told;
}

/** @returns the id of the last event */
async function listen(
  told: Told,
  url: string,
  init: RequestInit,
  { ms, events }: Patience,
): Promise<string | undefined> {
  const leave = new AbortController();
  const timer = ms === undefined ? undefined : setTimeout(() => leave.abort(), ms);
  let last: string | undefined;
  let count = 0;
  try {
    const response = await fetch(url, { ...init, signal: leave.signal });
    told.requests.push(response.headers.get('x-request-id') ?? '');
    told.status = response.status;
    if (!response.ok || response.body === null) {
      told.problem = ((await response.json()) as { code: string }).code;
      return undefined;
    }
    for await (const { name, id, data } of serverSentEvents(response.body)) {
      if (data === '[DONE]') told.whole = true;
      else note(told, name, JSON.parse(data));
      last = id ?? last;
      if (++count === events) break;
    }
  } catch (error) {
    if (!leave.signal.aborted) told.problem = `broken: ${String(error)}`;
  } finally {
    clearTimeout(timer);
    leave.abort();
  }
  return last;
}

function note(told: Told, name: string, data: unknown): void {
  if (name === 'accepted') {
    const { id, index, positions } = data as AcceptedEvent;
    told.job = id;
    told.positions.set(index, positions);
  } else if (name === 'step') {
    const { index } = data as StepEvent;
    told.steps.set(index, (told.steps.get(index) ?? 0) + 1);
  } else if (name === 'done') {
    const { index, usage } = data as DoneEvent & { readonly usage: PricedUsage };
    told.usages.set(index, usage);
  } else if (name === 'problem') {
    told.problem = (data as { problem: { code: string } }).problem.code;
  }
}
