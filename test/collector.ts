/** A collector that takes OTLP over HTTP in JSON and keeps the spans. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  /** `service.name` of its resource. */
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const attributesOf = (list: readonly OtlpAttribute[]) =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));

export async function startCollector() {
  const spans: CollectedSpan[] = [];
  const failures: unknown[] = [];
  const server = createServer(async (request, answer) => {
    try {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      if (request.url !== '/v1/traces') throw new Error(`sent to ${request.url}`);
      for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
        const service = String(attributesOf(resource.attributes)['service.name']);
        for (const span of scopeSpans.flatMap((scope: { spans: unknown[] }) => scope.spans)) {
          spans.push({
            ...{ service, traceId: span.traceId, spanId: span.spanId, name: span.name },
            parentSpanId: span.parentSpanId || undefined,
            start: BigInt(span.startTimeUnixNano),
            end: BigInt(span.endTimeUnixNano),
            attributes: attributesOf(span.attributes),
            events: (span.events ?? []).map(({ name }: { name: string }) => name),
          });
        }
      }
    } catch (failure) {
      failures.push(failure);
    }
    answer.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    /** What was sent and could not be read. */
    failures,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
