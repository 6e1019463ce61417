/** Client sessions: what a widget's requests carry in place of a publishable key. */
import { noAnswer } from '../../shared/client/error.ts';
import { createTransport } from '../../shared/client/transport.ts';

/** As POST /v1/client_sessions answers it, and as a page's own server hands it on. */
export interface ClientSession {
  readonly client_secret: string;
  /** RFC 3339. */
  readonly expires_at: string;
}

/** A session that ends while its request travels is no use. */
const MARGIN_MS = 5_000;

export const isFresh = (session: ClientSession) => Date.parse(session.expires_at) - MARGIN_MS > Date.now();

/** From the page's own server. It is told the preset, and has to decide itself whether this visitor may run it. */
export async function sessionFromServer(url: string, preset: string): Promise<ClientSession> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ preset }) });
  if (!response.ok) throw noAnswer(`${url} answered with status ${response.status}.`);
  return await response.json();
}

export interface Verified {
  /** Origin of the API. */
  readonly api: string;
  /** `pk_...` */
  readonly key: string;
  readonly preset: string;
  /** Good for one session. */
  readonly token: string;
}

/** For what Turnstile gave a visitor. @throws MaskwrightError */
export async function sessionFromTurnstile({ api, key, preset, token }: Verified): Promise<ClientSession> {
  const call = createTransport({ key, url: api, retries: 0, fetch });
  const body = { preset, turnstile_token: token };
  const response = await call({ method: 'POST', path: '/v1/client_sessions', body, repeatable: false });
  return await response.json();
}
