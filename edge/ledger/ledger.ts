/** The ledger of one account and mode. Branch `ledger` brings the real one; until it is merged, this one lets accounts be opened. */
import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import type { Balance, EntryKind } from './protocol.ts';

export class Ledger extends DurableObject<Env> {
  async open(): Promise<void> {}
  async putKey(): Promise<void> {}
  async credit(_id: string, _kind: EntryKind, amount: number): Promise<Balance> {
    return { balance: amount, held: 0 };
  }
  async balance(): Promise<Balance> {
    return { balance: 0, held: 0 };
  }
}
