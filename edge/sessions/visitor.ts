/** Who looks at a page, as far as limits need it: an address of the network, and a name for it that leads to nobody. */
import type { Context } from 'hono';
import { sha256Hex } from '../../shared/contract/digest.ts';
import type { EdgeTypes } from '../env.ts';

const DAY_MS = 86_400_000;
/** Groups of an IPv6 address that name a network: a household has all addresses of its own. */
const NETWORK_GROUPS = 4;

/** The visitor's address as Cloudflare saw it; what the request itself claims is not believed. */
export function addressOf(c: Context<EdgeTypes>): string | undefined {
  return c.req.header('cf-connecting-ip');
}

/**
 * A name for the visitor of an account's pages: another one tomorrow (UTC), and at another account. Without SESSION_SECRET it could be
 * turned back by trying all addresses; with it only by us.
 */
export async function visitorOf(c: Context<EdgeTypes>, account: string): Promise<string> {
  const day = Math.floor(Date.now() / DAY_MS);
  return await sha256Hex(JSON.stringify([c.env.SESSION_SECRET, account, day, networkOf(addressOf(c) ?? '')]));
}

/** What of an address stands for one visitor: all of IPv4; of IPv6 the first half, as far as it stands before the zeros left out. */
export function networkOf(address: string): string {
  const [, ipv4] = /^(?:::ffff:)?([\d.]+)$/i.exec(address) ?? [];
  return ipv4 ?? address.split('::')[0].split(':', NETWORK_GROUPS).join(':');
}
