/** Stand-ins for what lies outside: servers inside the test, by host. They count what they are asked and can be made to fail. */
import { vi } from 'vitest';

/** Answers a request, or throws as a connection that fails does. */
export type StandIn = (request: Request) => Response | Promise<Response>;

/** Lets `fetch` reach these servers and no other, until mocks are restored. */
export function onlyReach(servers: Readonly<Record<string, StandIn>>): void {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { host } = new URL(request.url);
    const server = servers[host];
    if (server === undefined) throw new Error(`nobody is at ${host}`);
    return server(request);
  });
}

interface ReceivedCloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A receiver of CloudEvents that knows an event it has by source and id, as OpenMeter does. */
export function cloudEventsServer() {
  const state = { down: false, refuses: '', requests: 0, loseAnswers: 0 };
  const events = new Map<string, ReceivedCloudEvent>();
  const server: StandIn = async (request) => {
    state.requests++;
    if (state.down) throw new Error('connection refused');
    const batch = (await request.json()) as ReceivedCloudEvent[];
    if (request.headers.get('content-type') !== 'application/cloudevents-batch+json')
      return new Response(null, { status: 415 });
    if (request.headers.get('authorization') !== 'Bearer token') return new Response(null, { status: 401 });
    if (batch.some(({ id }) => id === state.refuses)) return new Response(null, { status: 400 });
    for (const event of batch) events.set(`${event.source} ${event.id}`, event);
    if (state.loseAnswers-- > 0) throw new Error('connection reset');
    return new Response(null, { status: 204 });
  };
  return { state, server, events, ids: () => [...events.values()].map(({ id }) => id).sort() };
}

/** Stripe's meters: an event counts once for each identifier, and one that is known is refused in Stripe's words. */
export function stripeMeterServer() {
  const state = { down: false, requests: 0, loseAnswers: 0 };
  const events = new Map<string, URLSearchParams>();
  const server: StandIn = async (request) => {
    state.requests++;
    if (state.down) return Response.json({ error: { type: 'api_error', message: 'down' } }, { status: 503 });
    if (request.headers.get('authorization') !== 'Bearer sk_live_of_this_test')
      return stripeError(401, 'Invalid API Key');
    const form = await formOf(request);
    const identifier = form.get('identifier') ?? '';
    if (events.has(identifier)) return stripeError(400, `An event already exists with identifier ${identifier}.`);
    events.set(identifier, form);
    if (state.loseAnswers-- > 0) throw new Error('connection reset');
    return Response.json({
      object: 'billing.meter_event',
      identifier,
      event_name: form.get('event_name'),
      livemode: true,
    });
  };
  return { state, server, events };
}

/** An error as Stripe words it. */
export function stripeError(status: number, message: string, code?: string): Response {
  return Response.json({ error: { type: 'invalid_request_error', message, ...(code && { code }) } }, { status });
}

/** A form; as bytes, since workerd warns of whoever reads one as text. */
export async function formOf(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()));
}
