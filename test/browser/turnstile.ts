/** Turnstile's siteverify beside the local stack. */

import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { turnstileServer } from '../edge/sessions/turnstile-server.ts';

export async function startTurnstile() {
  const { server: answer } = turnstileServer();
  const server = serve({ fetch: (request) => answer(request), hostname: '127.0.0.1', port: 0 });
  await new Promise<void>((resolve) => server.on('listening', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => void server.close() };
}
