/** A key as answers show it: never the key itself, but once. */
import type { NewKey } from './change.ts';
import type { StoredKey } from './stored.ts';

export function shownKey(key: StoredKey) {
  return {
    object: 'key' as const,
    id: key.id,
    name: key.name,
    kind: key.kind,
    mode: key.mode,
    last4: key.last4,
    state: stateOf(key),
    scopes: key.scopes,
    ...(key.origins === undefined ? {} : { origins: key.origins }),
    requests_per_minute: key.perMinute,
    monthly_limit_micro_dollars: key.monthly ?? null,
    created_at: shownTime(key.created),
    expires_at: shownTime(key.expires),
    revoked_at: shownTime(key.revoked),
    rotates: key.rotates ?? null,
  };
}

/** The one time that it is shown. */
export function shownNewKey({ secret, stored }: NewKey) {
  return { ...shownKey(stored), key: secret };
}

function stateOf({ revoked, expires }: StoredKey): 'active' | 'expired' | 'revoked' {
  if (revoked !== undefined) return 'revoked';
  return expires !== undefined && expires <= Date.now() ? 'expired' : 'active';
}

/** Unix milliseconds as RFC 3339; null where there is none. */
export function shownTime(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
