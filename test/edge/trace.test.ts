/** What the edge says of a request to whoever watches it: ids, one log line, spans. A collector of a few lines takes the spans. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readTraceparent } from '../../shared/contract/trace.ts';
import { edge, ndjson, recorded } from './upstream.ts';

const CALLER = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const body = { template: 'Hello {{name}}', cache: 'no-store', seed: 1 };

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  status?: { code: number; message: string };
}

afterEach(() => vi.restoreAllMocks());

/** An edge that sends spans; what its collector was sent, and the log lines. */
async function watched(variables: Record<string, string> = {}) {
  const running = await edge();
  Object.assign(running.env, { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.invalid/otlp/', ...variables });
  const sent: { url: string; headers: Headers; spans: OtlpSpan[] }[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    const { resourceSpans } = JSON.parse(String(init?.body));
    sent.push({
      url: String(url),
      headers: new Headers(init?.headers),
      spans: resourceSpans[0].scopeSpans[0].spans,
    });
    return new Response('{}');
  });
  const lines: Record<string, unknown>[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(JSON.parse(line)));
  return { ...running, sent, lines };
}

const attributes = (span: OtlpSpan) =>
  Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

describe('a trace', () => {
  it('is continued from the caller, and handed on to the service as a child of the span around it', async () => {
    const { ask, settled, sent, jobs } = await watched({ OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b, y=2' });
    const response = await ask({ ...body, stream: 'steps' }, { traceparent: CALLER });
    await response.text();
    await settled();
    expect(sent).toHaveLength(1);
    const [{ url, headers, spans }] = sent;
    expect(url).toBe('https://collector.invalid/otlp/v1/traces');
    expect([headers.get('x-tenant'), headers.get('y'), headers.get('content-type')]).toEqual([
      'a b',
      '2',
      'application/json',
    ]);
    const named = Object.fromEntries(spans.map((span) => [span.name, span]));
    expect(Object.keys(named).sort()).toEqual(['POST /v1/generations', 'answer', 'backend', 'validate']);
    const root = named['POST /v1/generations'];
    expect(root).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentSpanId: '00f067aa0ba902b7' });
    expect([named.validate.parentSpanId, named.backend.parentSpanId]).toEqual([root.spanId, root.spanId]);
    expect(BigInt(root.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(named.backend.endTimeUnixNano));
    expect(readTraceparent(jobs[0].traceparent)).toEqual({
      traceId: root.traceId,
      spanId: named.backend.spanId,
      sampled: true,
    });
    expect(attributes(root)).toMatchObject({
      'http.route': '/v1/generations',
      'http.response.status_code': '200',
      'maskwright.job': jobs[0].id,
    });
  });

  it.each([
    ['its caller does not record', {}, { traceparent: CALLER.replace(/01$/, '00') }],
    ['is not among those recorded', { OTEL_TRACES_SAMPLER_ARG: '0' }, {}],
  ])('that %s is handed on as such, and not sent', async (_, variables, headers) => {
    const { ask, settled, sent, jobs } = await watched(variables);
    expect((await ask(body, headers as Record<string, string>)).status).toBe(200);
    await settled();
    expect(sent).toEqual([]);
    expect(readTraceparent(jobs[0].traceparent)?.sampled).toBe(false);
  });

  it('begins anew where the caller has none that is valid', async () => {
    const { ask, settled, sent } = await watched();
    await ask(body, { traceparent: 'nonsense' });
    await settled();
    const root = sent[0].spans.find(({ name }) => name.startsWith('POST'));
    expect(root?.parentSpanId).toBeUndefined();
  });

  it('of a stream that fails says so by code, and a collector that is down harms no answer', async () => {
    const { ask, settled, state, sent, lines } = await watched();
    state.behave = (job) => ndjson(recorded(job).slice(0, 2));
    const response = await ask({ ...body, stream: 'steps' });
    expect(await response.text()).toContain('backend_failed');
    await settled();
    const backend = sent[0].spans.find(({ name }) => name === 'backend');
    expect(backend?.status).toEqual({ code: 2, message: 'backend_failed' });
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'answered', outcome: 'backend_failed' }));

    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('connection refused'));
    state.behave = (job) => ndjson(recorded(job));
    expect((await ask(body)).status).toBe(200);
    await settled();
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', msg: 'spans were not taken' }));
  });
});

describe('the log', () => {
  it('has one line for each request, with its ids and without what its caller wrote', async () => {
    const { ask, settled, lines, jobs, sent } = await watched();
    const response = await ask({ ...body, template: 'Secret plans {{name}}' });
    await settled();
    const id = response.headers.get('x-request-id');
    expect(lines).toEqual([
      expect.objectContaining({
        ...{ level: 'info', msg: 'answered', request: id, job: jobs[0].id, trace: sent[0].spans[0].traceId },
        ...{ method: 'POST', route: '/v1/generations', status: 200, outcome: 'done', model: 'small', n: 1 },
      }),
    ]);
    // One search finds the lines of both sides.
    expect(jobs[0].id.replace('gen_', 'req_')).toBe(id);
    expect(JSON.stringify(lines)).not.toMatch(/Secret|Hello/);
  });

  it('names the problem of a refusal, and its caller’s trace', async () => {
    const { ask, settled, lines, sent } = await watched();
    await ask({ prompt: 'p', temprature: 'my secret' }, { traceparent: CALLER });
    await settled();
    expect(lines).toEqual([
      expect.objectContaining({ status: 400, outcome: 'unknown_field', trace: CALLER.slice(3, 35) }),
    ]);
    expect(JSON.stringify([lines, sent])).not.toContain('secret');
  });
});
