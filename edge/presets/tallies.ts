/** What a run counts towards: the day's money of its preset and, where a page asked for it, the runs of its visitor. */
import { sha256Hex } from '../../shared/contract/digest.ts';
import type { Tally } from '../ledger/protocol.ts';
import type { StoredPreset } from './stored.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** @param visitor who opened the page, told by his address; undefined where a secret key asks */
export async function talliesOf(
  preset: StoredPreset,
  visitor: string | undefined,
  now: number = Date.now(),
): Promise<readonly Tally[]> {
  const money = daily(preset, now);
  return visitor === undefined ? [money] : [...(await visits(preset, visitor, now)), money];
}

function daily({ id, terms }: StoredPreset, now: number): Tally {
  const most = terms.daily_limit_micro_dollars;
  const detail = `This may cost more than is left of the ${most} micro-dollars that the preset may spend in a day (UTC). What to do: wait for tomorrow, or raise daily_limit_micro_dollars.`;
  return {
    id: `preset:${id}:${new Date(now).toISOString().slice(0, 10)}`,
    measure: 'micro_dollars',
    most,
    ends: endOf(now, DAY_MS),
    refusal: { code: 'spend_limit_reached', detail, waits: false },
  };
}

async function visits({ id, terms }: StoredPreset, visitor: string, now: number): Promise<readonly Tally[]> {
  // An address is not for keeping: the ledger tells visitors apart for a day, and presets not at all.
  const who = (await sha256Hex(`${id} ${endOf(now, DAY_MS)} ${visitor}`)).slice(0, 32);
  const spans = [
    ['minute', MINUTE_MS, terms.visitor_runs_per_minute],
    ['day (UTC)', DAY_MS, terms.visitor_runs_per_day],
  ] as const;
  return spans.map(([span, ms, most]) => ({
    id: `visitor:${who}:${span}:${endOf(now, ms)}`,
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
