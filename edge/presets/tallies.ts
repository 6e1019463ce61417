/** What a run counts towards: the day's money of its preset and, where a page asked for it, the runs of its visitor. */
import type { Tally } from '../ledger/protocol.ts';
import type { StoredPreset } from './stored.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** @param visitor a name for who looks at the page; undefined where a secret key asks */
export function talliesOf(preset: StoredPreset, visitor: string | undefined, now = Date.now()): readonly Tally[] {
  const money = daily(preset, now);
  return visitor === undefined ? [money] : [...visits(preset, visitor, now), money];
}

function daily({ id, terms }: StoredPreset, now: number): Tally {
  // What the limit is nobody needs to know who looks at a page.
  const detail =
    'This may cost more than is left of what the preset may spend today (UTC). What to do: wait for tomorrow, or raise its daily limit.';
  return {
    id: `preset:${id}:${new Date(now).toISOString().slice(0, 10)}`,
    measure: 'micro_dollars',
    most: terms.daily_limit_micro_dollars,
    ends: endOf(now, DAY_MS),
    refusal: { code: 'spend_limit_reached', detail, waits: false },
  };
}

function visits({ id, terms }: StoredPreset, visitor: string, now: number): readonly Tally[] {
  const spans = [
    ['minute', MINUTE_MS, terms.visitor_runs_per_minute],
    ['day (UTC)', DAY_MS, terms.visitor_runs_per_day],
  ] as const;
  return spans.map(([span, ms, most]) => ({
    id: `visitor:${visitor}:${id}:${ms}:${endOf(now, ms)}`,
    measure: 'requests',
    most,
    ends: endOf(now, ms),
    refusal: {
      code: 'rate_limited',
      detail: `A visitor may run this preset ${most} times in a ${span}. What to do: ask again later.`,
      waits: true,
    },
  }));
}

/** When the span ends that this time is in; Unix milliseconds. */
function endOf(now: number, spanMs: number): number {
  return (Math.floor(now / spanMs) + 1) * spanMs;
}
