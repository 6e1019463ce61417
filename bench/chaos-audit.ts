/**
 * What the chaos bench looks at: each caller's stream, and what the engines stored of it in NATS.
 */

import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { readStreamMessage } from '../gpu-backend/dispatch/nats/messages.ts';
import { namesOf } from '../gpu-backend/dispatch/nats/names.ts';
import type { GenerationEvent } from '../shared/contract/stream.ts';

/** What is wrong with the stream of a job of so many texts; empty where nothing is. */
export function faultsOf(events: readonly GenerationEvent[], expected: readonly string[]): string[] {
  const faults: string[] = [];
  const steps = new Map<number, number>();
  const texts = new Map<number, string>();
  for (const event of events) {
    if (event.type === 'problem') faults.push(`the problem ${event.problem.code}: ${event.problem.detail}`);
    else if (event.type === 'accepted') {
      if (steps.has(event.index)) faults.push(`text ${event.index} was accepted twice`);
      steps.set(event.index, 0);
    } else if (event.type === 'step') {
      const before = steps.get(event.index) ?? -1;
      if (event.step !== before + 1) faults.push(`step ${event.step} of text ${event.index} behind step ${before}`);
      steps.set(event.index, event.step);
    } else {
      if (texts.has(event.index)) faults.push(`text ${event.index} was done twice`);
      if (event.usage.denoising_steps !== steps.get(event.index)) faults.push(`text ${event.index} lacks steps`);
      texts.set(event.index, event.text);
    }
  }
  expected.forEach((text, index) => {
    if (texts.get(index) === undefined) faults.push(`text ${index} is missing`);
    else if (texts.get(index) !== text) faults.push(`text ${index} is another than in the quiet run`);
  });
  return faults;
}

export interface Redone {
  /** Steps that were published a second time, by text, each time another engine took it up. */
  readonly perText: readonly number[];
  /** Their sum. */
  readonly steps: number;
  /** Jobs that were taken up from an engine that had begun them. */
  readonly takeovers: number;
}

/** Reads the whole stream of events and counts what engines did that others had done before them. */
export async function redone(server: string, prefix: string): Promise<Redone> {
  const nc = await connect({ servers: server });
  const names = namesOf(prefix);
  try {
    const consumer = await jetstream(nc).consumers.get(names.events, { deliver_policy: DeliverPolicy.All });
    const { num_pending: stored } = await consumer.info(true);
    /** run and text -> step -> lease of whoever published it first. */
    const first = new Map<string, Map<number, string>>();
    const repeats = new Map<string, number>();
    const leases = new Map<string, Set<string>>();
    let read = 0;
    for await (const message of stored === 0 ? [] : await consumer.consume({ max_messages: 500, expires: 2_000 })) {
      const content = readStreamMessage(message.data);
      if (content.type === 'events') {
        leases.set(content.run, (leases.get(content.run) ?? new Set()).add(content.lease));
        for (const event of content.events) {
          if (event.type !== 'step') continue;
          const text = `${content.run} ${event.index}`;
          const steps = first.get(text) ?? new Map<number, string>();
          first.set(text, steps);
          if (!steps.has(event.step)) steps.set(event.step, content.lease);
          else {
            const key = `${text} ${content.lease}`;
            repeats.set(key, (repeats.get(key) ?? 0) + 1);
          }
        }
      }
      if (++read === stored) break;
    }
    const perText = [...repeats.values()];
    const takeovers = [...leases.values()].reduce((sum, { size }) => sum + size - 1, 0);
    return { perText, steps: perText.reduce((a, b) => a + b, 0), takeovers };
  } finally {
    await nc.close();
  }
}
