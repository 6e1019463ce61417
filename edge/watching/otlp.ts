/**
 * Spans as OTLP over HTTP in JSON (https://opentelemetry.io/docs/specs/otlp/), sent where OTEL_EXPORTER_OTLP_ENDPOINT says.
 * OpenTelemetry's own SDK would add a quarter to the size of this Worker (25 KB of gzip, measured).
 */
import type { Env } from '../env.ts';
import { log } from './log.ts';
import type { Attributes, SpanRecord } from './trace.ts';

/** A collector is near; one that takes longer is not waited for. */
const TIMEOUT_MS = 5_000;
const ERROR = 2;

/** Sends the spans of one trace. A collector that fails costs a log line, never an answer. */
export async function sendSpans(env: Env, traceId: string, spans: readonly SpanRecord[]): Promise<void> {
  if (env.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return;
  try {
    const response = await fetch(`${env.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/$/, '')}/v1/traces`, {
      method: 'POST',
      headers: { ...headersOf(env.OTEL_EXPORTER_OTLP_HEADERS), 'content-type': 'application/json' },
      body: JSON.stringify(exportRequest(traceId, spans)),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) log('warn', 'spans were not taken', { trace: traceId, status: response.status });
  } catch (error) {
    log('warn', 'spans were not taken', { trace: traceId, error: String(error) });
  }
}

/** An ExportTraceServiceRequest. */
function exportRequest(traceId: string, spans: readonly SpanRecord[]) {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ 'service.name': 'maskwright-edge' }) },
        scopeSpans: [{ scope: { name: 'maskwright' }, spans: spans.map((span) => spanOf(traceId, span)) }],
      },
    ],
  };
}

function spanOf(traceId: string, { spanId, parentSpanId, name, kind, start, end, attributes, error }: SpanRecord) {
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind,
    startTimeUnixNano: `${start}000000`,
    endTimeUnixNano: `${end}000000`,
    attributes: attributesOf(attributes),
    ...(error === undefined ? {} : { status: { code: ERROR, message: error } }),
  };
}

/** Those with a dot are named by OpenTelemetry's conventions, the others are ours. */
function attributesOf(attributes: Attributes) {
  return Object.entries(attributes).map(([key, value]) => ({
    key: key.includes('.') ? key : `maskwright.${key}`,
    value: anyValue(value),
  }));
}

function anyValue(value: string | number | boolean) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  // 64-bit integers are strings in the JSON form of protobuf.
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** 'name=value,name=value' with percent-encoded values, as OpenTelemetry writes it. */
function headersOf(list: string | undefined): Record<string, string> {
  const pairs = (list ?? '').split(',').map((pair) => pair.split('='));
  return Object.fromEntries(
    pairs
      .filter(([name, ...value]) => name.trim() !== '' && value.length > 0)
      .map(([name, ...value]) => [name.trim(), decodeURIComponent(value.join('=').trim())]),
  );
}
