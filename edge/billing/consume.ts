/** The consumer of the queue of entries. A message is done with when its statement is written; adapters come later, from D1. */
import type { Message, MessageBatch } from '@cloudflare/workers-types';
import type { Env } from '../env.ts';
import { log } from '../watching/log.ts';
import { readEntry } from './entry.ts';
import { writeEntries } from './statements.ts';

const FIRST_DELAY_S = 5;
const LONGEST_DELAY_S = 600;

/**
 * Writes the entries of a batch, all in one transaction. What cannot be read is tried again as often as the queue does, then lies in
 * its dead letter queue; it holds nothing back.
 */
export async function consume(batch: MessageBatch<unknown>, env: Env): Promise<void> {
  const read = batch.messages.map((message) => ({ message, entry: readEntry(message.body) }));
  for (const { message, entry } of read) {
    if (entry !== undefined) continue;
    log('error', 'an entry cannot be read', { queue: batch.queue, message: message.id, attempts: message.attempts });
    again(message);
  }
  const entries = read.flatMap(({ entry }) => entry ?? []);
  const messages = read.filter(({ entry }) => entry !== undefined).map(({ message }) => message);
  try {
    await writeEntries(env, entries);
    for (const message of messages) message.ack();
  } catch (error) {
    log('error', 'entries could not be written', { entries: entries.length, error: String(error) });
    messages.forEach(again);
  }
}

function again(message: Message<unknown>): void {
  message.retry({ delaySeconds: Math.min(FIRST_DELAY_S * 2 ** (message.attempts - 1), LONGEST_DELAY_S) });
}
