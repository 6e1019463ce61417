/**
 * Where finished answers are kept, as the events they consisted of, so that they can be given again in any form: the memory of the
 * isolate for the latest, the Cache API of this data centre, KV of the whole world. What cannot be read counts as not there, and a place
 * that fails costs time, not the answer.
 */
import { CONTRACT_VERSION } from '../../shared/contract/canonical.ts';
import type { Env } from '../env.ts';
import type { KeptAnswer } from '../ledger/protocol.ts';
import { log } from '../watching/log.ts';
import { type Kept, LatestAnswers } from './latest-answers.ts';

export const latest = new LatestAnswers();

/** KV keeps nothing for less. */
const LEAST_KV_TTL_S = 60;

interface Entry extends Kept {
  readonly contract: number;
}

/** The answer that this isolate remembers, without a look anywhere. */
export function remembered(key: string): Kept | undefined {
  const known = latest.get(key);
  return known !== undefined && known.until > Date.now() ? known : undefined;
}

/** The answer kept under this key. `later` is given work that nobody has to wait for. */
export async function findKept(
  env: Env,
  key: string,
  later: (work: Promise<unknown>) => void,
): Promise<Kept | undefined> {
  const known = remembered(key);
  if (known !== undefined) return known;
  const near = await store()
    .match(addressOf(key))
    .then((response) => response?.text())
    .catch(failed);
  if (near != null) return remember(key, readEntry(near), near.length);
  const far = await env.KV.get(nameOf(key)).catch(failed);
  if (far == null) return undefined;
  const kept = remember(key, readEntry(far), far.length);
  if (kept !== undefined) later(putNear(key, far, kept.until));
  return kept;
}

/** Keeps an answer in this data centre; then, `everywhere`, in the others. */
export function keepAnswer(env: Env, key: string, answer: KeptAnswer, ttl: number) {
  const until = answer.made + ttl * 1_000;
  const { made, events } = answer;
  const text = JSON.stringify({ contract: CONTRACT_VERSION, made, until, events } satisfies Entry);
  return {
    near() {
      remember(key, { made, until, events }, text.length);
      return putNear(key, text, until);
    },
    everywhere: async () => {
      if (ttl >= LEAST_KV_TTL_S) await env.KV.put(nameOf(key), text, { expirationTtl: ttl }).catch(failed);
    },
  };
}

async function putNear(key: string, text: string, until: number): Promise<void> {
  const left = Math.floor((until - Date.now()) / 1_000);
  if (left <= 0) return;
  const headers = { 'content-type': 'application/json', 'cache-control': `max-age=${left}` };
  await store().put(addressOf(key), new Response(text, { headers })).catch(failed);
}

function remember(key: string, kept: Kept | undefined, characters: number): Kept | undefined {
  if (kept !== undefined) latest.set(key, kept, characters);
  return kept;
}

/** The entry, if it is one of ours that is still good. */
function readEntry(text: string): Kept | undefined {
  try {
    const { contract, made, until, events } = JSON.parse(text) as Entry;
    const ours = contract === CONTRACT_VERSION && Number.isFinite(made) && Array.isArray(events) && events.length > 0;
    return ours && until > Date.now() ? { made, until, events } : undefined;
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): undefined {
  log('warn', 'the cache failed', { error: String(error) });
}

/** A host that can never exist (RFC 6761): the Cache API wants URLs, and nobody can fetch this one. */
const addressOf = (key: string) => `https://cache.invalid/answers/${key}`;
const nameOf = (key: string) => `answer:${key}`;

/** The cache of this data centre; `default` is of Workers, not of the web platform. */
function store(): Cache {
  return (caches as CacheStorage & { readonly default: Cache }).default;
}
