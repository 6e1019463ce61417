/** Who is asking, and who pays for it. */
import type { Mode, Purse } from './ledger/protocol.ts';

/** What a key may be used for. */
export const SCOPES = ['generate', 'decide', 'models', 'usage', 'keys', 'billing', 'presets', 'run'] as const;
export type Scope = (typeof SCOPES)[number];

/** Whether these scopes allow what a scope does: who may make any text may also run a preset. */
export function allows(scopes: readonly Scope[], scope: Scope): boolean {
  return scopes.includes(scope) || (scope === 'run' && scopes.includes('generate'));
}

export interface Caller {
  /** Whose answers, streams and cache these are: 'acc_...'. Somebody who pays for one request has one that nobody else has. */
  readonly account: string;
  readonly mode: Mode;
  /** Id of the key, 'key_...'. */
  readonly key: string;
  readonly scopes: readonly Scope[];
  readonly purse: Purse;
  /** Whether the account asked for what it writes to be logged. */
  readonly logsPrompts: boolean;
}
