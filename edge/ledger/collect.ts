/** Requests of which nobody said what became of them: asks the service what ran, and charges that. */
import type { JobWork } from '../../shared/contract/job-work.ts';
import { priceOfAll } from '../../shared/contract/price.ts';
import { log } from '../watching/log.ts';
import type { Books } from './books.ts';
import { release, settle } from './end.ts';
import { dueHolds, type Hold, holdOf, postpone } from './holds.ts';
import type { Settlement } from './protocol.ts';

/** What ran for a job; undefined where no service knows it. Rejects where not all can be asked. */
export type WorkOf = (job: string) => Promise<JobWork | undefined>;

/** Until a job that is running is asked for again. */
const AGAIN_MS = 5_000;
/** The longest wait between two tries where no service can be asked; the first is `AGAIN_MS`. */
const LONGEST_MS = 60_000;
/** So long no service could be asked: the request costs nothing then. */
const GIVEN_UP_MS = 15 * 60_000;
/** Requests asked for at once: a Worker may have 6 connections. */
const AT_ONCE = 6;

/** Asks for all that are due, a few at once. */
export async function collectDue(books: Books, workOf: WorkOf, now: () => number): Promise<void> {
  for (;;) {
    // Each is settled, released or postponed, so this comes to an end.
    const due = dueHolds(books.storage.sql, now(), AT_ONCE);
    if (due.length === 0) return;
    await Promise.all(due.map((hold) => collect(books, hold, workOf, now)));
  }
}

async function collect(books: Books, hold: Hold, workOf: WorkOf, now: () => number): Promise<void> {
  let work: JobWork | undefined;
  try {
    work = await workOf(hold.job);
  } catch (error) {
    unreachable(books, hold, now(), error);
    return;
  }
  conclude(books, hold, work, now());
}

/** What the service says ends the request, or tells to ask again. */
export function conclude(books: Books, asked: Hold, work: JobWork | undefined, now: number): void {
  if (!stillOpen(books, asked)) return;
  const { request } = asked;
  if (work?.state === 'running') {
    postpone(books.storage.sql, request, now + AGAIN_MS);
    return;
  }
  const settlement = work && settlementOf(asked, work);
  if (settlement === undefined) release(books, request, now);
  else settle(books, request, settlement, now);
  log('info', 'collected', { request, job: asked.job, outcome: work?.outcome ?? 'unknown', ...settlement });
}

/** The service could not be asked: again later, for a quarter of an hour. */
export function unreachable(books: Books, asked: Hold, now: number, error: unknown): void {
  if (!stillOpen(books, asked)) return;
  const { request, job, unreachable: since = now } = asked;
  if (now - since >= GIVEN_UP_MS) {
    log('error', 'no service says what ran, so it costs nothing', { request, job, error: String(error) });
    release(books, request, now);
    return;
  }
  // As long again as it has been already, which doubles the wait each time.
  const wait = Math.min(LONGEST_MS, Math.max(AGAIN_MS, now - since));
  postpone(books.storage.sql, request, now + wait, since);
}

/** While the service was asked somebody may have settled it, or begun it again by another job. */
function stillOpen({ storage }: Books, { request, job }: Hold): boolean {
  return holdOf(storage.sql, request)?.job === job;
}

/** What the work costs; undefined where that is nothing: our failure, or a joined answer that was not finished. */
function settlementOf({ joined, price }: Hold, { outcome, texts }: JobWork): Settlement | undefined {
  if (outcome === undefined || outcome === 'problem') return undefined;
  if (joined) {
    return outcome === 'done' ? { origin: 'joined', amount: price.cached, work: 0, texts: texts.length } : undefined;
  }
  const work = texts.reduce((sum, text) => sum + text.positions * text.denoising_steps, 0);
  return { origin: 'computed', amount: priceOfAll(price, texts), work, texts: texts.length };
}
