/** An entry as it comes out of a queue: what can be read is read, what cannot is told apart from what can. */
import * as v from 'valibot';
import { MODES } from '../accounts.ts';
import type { EntryKind, Exported } from '../ledger/protocol.ts';

/** Kinds of what requests cost, each the origin of an answer. */
export const USAGE_KINDS = ['computed', 'cached', 'joined'] as const satisfies EntryKind[];
const KINDS = [...USAGE_KINDS, 'top_up', 'grant', 'refund', 'adjustment'] as const satisfies EntryKind[];

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const whole = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(whole, v.minValue(0));

const exportedSchema = v.object({
  account: name,
  mode: v.picklist(MODES),
  id: name,
  seq: v.pipe(whole, v.minValue(1)),
  kind: v.picklist(KINDS),
  amount: whole,
  balance: whole,
  at: count,
  key: v.optional(name),
  model: v.optional(name),
  work: v.optional(count),
  texts: v.optional(count),
  preset: v.optional(name),
});

/** The entry in a message, undefined where it is none. */
export function readEntry(body: unknown): Exported | undefined {
  const result = v.safeParse(exportedSchema, body);
  return result.success ? result.output : undefined;
}

export function isUsage({ kind }: Pick<Exported, 'kind'>): boolean {
  return (USAGE_KINDS as readonly EntryKind[]).includes(kind);
}
