/**
 * Entries as CloudEvents 1.0 in batches (https://github.com/cloudevents/spec, JSON format 1.0.2), in the shape OpenMeter takes: `type`
 * names the meter, `subject` whom it counts for. Receivers know an event they have by `source` and `id`.
 */
import type { Env } from '../env.ts';
import type { Exported } from '../ledger/protocol.ts';
import { type Adapter, RECEIVER_TIMEOUT_MS } from './adapter.ts';
import { isUsage } from './entry.ts';

/** Statuses of which the events are not to blame. */
const NOT_THE_EVENTS: ReadonlySet<number> = new Set([401, 403, 404, 408, 429]);

/** The adapter, where CLOUDEVENTS_URL says whereto. */
export function cloudEvents({ CLOUDEVENTS_URL: url, CLOUDEVENTS_TOKEN: token }: Env): Adapter | undefined {
  if (url === undefined) return undefined;
  const post = async (entries: readonly Exported[]): Promise<number | string> => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/cloudevents-batch+json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(entries.map(eventOf)),
        signal: AbortSignal.timeout(RECEIVER_TIMEOUT_MS),
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      return String(error);
    }
  };
  return {
    name: 'cloudevents',
    wants: () => true,
    async send(entries) {
      const answer = await post(entries);
      const problem = problemOf(answer);
      // One event that is refused must not hold back those beside it.
      if (problem === undefined || entries.length === 1 || !blamesEvents(answer)) return entries.map(() => problem);
      const each: (string | undefined)[] = [];
      for (const entry of entries) each.push(problemOf(await post([entry])));
      return each;
    },
  };
}

function problemOf(answer: number | string): string | undefined {
  if (typeof answer === 'string') return answer;
  return answer >= 200 && answer < 300 ? undefined : `status ${answer}`;
}

function blamesEvents(answer: number | string): boolean {
  return typeof answer === 'number' && answer >= 400 && answer < 500 && !NOT_THE_EVENTS.has(answer);
}

function eventOf(entry: Exported) {
  const { account, mode, id, at, seq, kind, amount, key, model, work, texts, preset } = entry;
  const usage = isUsage(entry);
  return {
    specversion: '1.0',
    type: usage ? 'maskwright.usage' : 'maskwright.payment',
    source: `/accounts/${account}/${mode}`,
    id,
    time: new Date(at).toISOString(),
    subject: account,
    datacontenttype: 'application/json',
    // What was used is positive here, as a meter counts it.
    data: { mode, seq, kind, micro_dollars: usage ? -amount : amount, key, model, work, texts, preset },
  };
}
