/** One request through edge, service and engine, as a collector and a reader of logs see it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalServices, startServices } from '../../scripts/local/services.ts';
import { startCollector } from '../collector.ts';
import { client, until } from './client.ts';

const root = join(import.meta.dirname, '..', '..');
const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
let services: LocalServices;
let collector: Awaited<ReturnType<typeof startCollector>>;

beforeAll(async () => {
  collector = await startCollector();
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  services = (await startServices(root, new Promise(() => undefined), { ...process.env, ...variables }))!;
}, 180_000);

afterAll(async () => {
  await services?.stop();
  await collector?.close();
});

describe('a request', () => {
  it('is one trace, from its caller over edge and engine to each step', async () => {
    const headers = { ...client(services).headers, traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01` };
    const body = JSON.stringify({ prompt: 'tea', length: { unit: 'tokens', exact: 12 }, n: 2, cache: 'no-store' });
    const response = await client(services).post(body, { headers });
    expect(response.status).toBe(200);
    const answer = (await response.json()) as { choices: { usage: { denoising_steps: number } }[] };
    const steps = answer.choices.reduce((sum, { usage }) => sum + usage.denoising_steps, 0);

    const own = () => collector.spans.filter(({ traceId }) => traceId === CALLER.traceId);
    const named = (name: string) => own().filter((span) => span.name === name);
    await until(async () => named('generate').length > 0 && named('POST /v1/generations').length > 0);
    expect(collector.failures).toEqual([]);
    const [root] = named('POST /v1/generations');
    const [backend] = named('backend');
    const [generate] = named('generate');
    expect([root.service, generate.service]).toEqual(['maskwright-edge', 'maskwright-engine']);
    expect(root.parentSpanId).toBe(CALLER.spanId);
    expect(backend.parentSpanId).toBe(root.spanId);
    expect(generate.parentSpanId).toBe(backend.spanId);
    for (const name of ['queue', 'prepare']) expect(named(name)[0].parentSpanId).toBe(generate.spanId);
    const stepSpans = named('step');
    expect(stepSpans).toHaveLength(steps);
    for (const span of stepSpans) {
      expect(span.parentSpanId).toBe(generate.spanId);
      expect(span.events).toContain('model call');
      expect(span.start >= generate.start && span.end <= generate.end).toBe(true);
    }
    const last = stepSpans.filter(({ attributes }) => String(attributes['maskwright.masks_left']) === '0');
    expect(new Set(last.map(({ attributes }) => String(attributes['maskwright.text'])))).toEqual(new Set(['0', '1']));
    expect(root.attributes['maskwright.job']).toBe(generate.attributes['maskwright.job']);
    expect(JSON.stringify(own().map(({ attributes }) => attributes))).not.toContain('tea');
  });

  it('that its caller does not record leaves no span', async () => {
    const [unseen, seen] = ['a'.repeat(32), 'b'.repeat(32)];
    for (const [trace, flags] of [
      [unseen, '00'],
      [seen, '01'],
    ]) {
      const headers = { ...client(services).headers, traceparent: `00-${trace}-${CALLER.spanId}-${flags}` };
      const response = await client(services).post({ template: 'Hi {{a:tokens=1}}', cache: 'no-store' }, { headers });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
    }
    const of = (trace: string) =>
      collector.spans.filter(({ traceId }) => traceId === trace).map(({ service }) => service);
    await until(async () => new Set(of(seen)).size === 2); // what was sent before has come before
    expect(of(unseen)).toEqual([]);
  });
});
