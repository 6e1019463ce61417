/** A caller of a local run, and a look at what its inference service has counted. */

import type { LocalServices } from '../../scripts/local/services.ts';
import { type ServerSentEvent, serverSentEvents } from '../../shared/client/server-sent-events.ts';
import type { AcceptedEvent, DoneEvent, HeldConstraint, StepEvent, Usage } from '../../shared/contract/stream.ts';

/** The answer to a request for one text, as docs describe it. */
export interface Answer {
  id: string;
  object: 'generation';
  model: string;
  revision: string;
  seed: number;
  text: string;
  holes: Record<string, string>;
  constraints: HeldConstraint[];
  usage: Usage;
  cache: { status: string; age: number; ttl: number };
}

export function client({ url, key, backendUrl }: LocalServices) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

  function post(body: unknown, init: RequestInit = {}, path = '/v1/generations'): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(`${url}${path}`, { method: 'POST', headers, body: text, ...init });
  }

  /** One text; anything but a success fails the test that asked. */
  async function generate(body: object): Promise<Answer> {
    const response = await post(body);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  async function events(body: object): Promise<ServerSentEvent[]> {
    return eventsOf(await post(body));
  }

  /** The events of a stream until it is lost behind so many of them, or to its end. */
  async function eventsOf(response: Response, most = Number.POSITIVE_INFINITY): Promise<ServerSentEvent[]> {
    if (response.status !== 200 || response.body === null) {
      throw new Error(`${response.status}: ${await response.text()}`);
    }
    const all: ServerSentEvent[] = [];
    for await (const event of serverSentEvents(response.body)) {
      all.push(event);
      if (all.length === most) break;
    }
    return all;
  }

  /** Takes a stream up again, as it was lost. */
  function resume(id: string, stream: 'steps' | 'text', lastEventId: string): Promise<Response> {
    const { authorization } = headers;
    return fetch(`${url}/v1/generations/${id}/events?stream=${stream}`, {
      headers: { authorization, 'last-event-id': lastEventId },
    });
  }

  /** A counter of the inference service, by its name in /metrics, all its labels together. */
  async function counted(name: string): Promise<number> {
    const text = await (await fetch(`${backendUrl}/metrics`)).text();
    const samples = [...text.matchAll(new RegExp(`^maskwright_${name}_total(?:{.*})? (\\d+)$`, 'gm'))];
    if (!text.includes(`# TYPE maskwright_${name}_total counter`))
      throw new Error(`The inference service has no counter ${name}.`);
    return samples.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  return { headers, post, generate, events, eventsOf, resume, counted };
}

export type Client = ReturnType<typeof client>;

/** The data of the events of one name. */
export function dataOf(events: readonly ServerSentEvent[], name: 'accepted'): AcceptedEvent[];
export function dataOf(events: readonly ServerSentEvent[], name: 'step'): StepEvent[];
export function dataOf(events: readonly ServerSentEvent[], name: 'done'): DoneEvent[];
export function dataOf(events: readonly ServerSentEvent[], name: 'text'): { index: number; text: string }[];
export function dataOf(events: readonly ServerSentEvent[], name: string): unknown[] {
  return events.filter((event) => event.name === name).map((event) => JSON.parse(event.data));
}

/** Waits until something holds; a deadline makes a regression fail fast. */
export async function until(holds: () => Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`did not come to hold within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
