/** The ledger of one account and mode: a Durable Object, and the only writer of its money. */
import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';

export class Ledger extends DurableObject<Env> {}
