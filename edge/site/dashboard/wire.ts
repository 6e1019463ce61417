/** What the API answers about an account, as the dashboard reads it (docs/api.md has the same in words). */
import type { KeyKind } from '../../../shared/contract/key.ts';

export type Mode = 'live' | 'test';

/** A page of a list, newest first. */
export interface Page<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
}

export const ORIGINS = ['computed', 'cached', 'joined'] as const;
export type Origin = (typeof ORIGINS)[number];

export interface Amounts {
  readonly requests: number;
  readonly texts: number;
  /** Positions x denoising steps. */
  readonly work: number;
  readonly micro_dollars: number;
}

export const GROUPS = ['day', 'key', 'preset'] as const;
export type Group = (typeof GROUPS)[number];

/** One day, key or preset, which the field of the group's name says. */
export interface UsageRow extends Amounts {
  readonly day?: string;
  readonly key?: string;
  readonly preset?: string;
  readonly by_origin: Readonly<Partial<Record<Origin, Amounts>>>;
}

export interface Usage {
  /** First and last day, '2026-11-26'. */
  readonly from: string;
  readonly to: string;
  readonly data: readonly UsageRow[];
  readonly total: Amounts;
}

export interface RequestLine {
  readonly id: string;
  readonly at: string;
  readonly origin: Origin;
  readonly model: string;
  readonly key: string;
  readonly preset?: string | null;
  readonly texts: number;
  readonly work: number;
  readonly micro_dollars: number;
}

export interface Key {
  readonly id: string;
  readonly name: string;
  readonly kind: KeyKind;
  readonly mode: Mode;
  readonly last4: string;
  readonly state: 'active' | 'expired' | 'revoked';
  readonly scopes: readonly string[];
  readonly origins?: readonly string[];
  readonly requests_per_minute: number;
  readonly monthly_limit_micro_dollars: number | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly rotates: string | null;
}

/** The only answer that has the key itself. */
export interface NewKey extends Key {
  readonly key: string;
}

export interface AskedKey {
  readonly name: string;
  readonly kind: KeyKind;
  readonly mode: Mode;
  readonly scopes?: readonly string[];
  readonly origins?: readonly string[];
  readonly expires_at?: string;
  readonly requests_per_minute?: number;
  readonly monthly_limit_micro_dollars?: number;
}

export interface TopUp {
  readonly url: string;
  readonly amount_micro_dollars: number;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly request: string;
  readonly details: Readonly<Record<string, unknown>>;
}
