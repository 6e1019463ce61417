/**
 * Jobs as OpenTelemetry spans: `generate`, a child of the span that sent the job, and in it `queue`, `prepare` and one `step` for every
 * denoising step, with the model calls it waited for as events.
 *
 * Only imported where spans are sent. What is not said here the SDK reads from OTEL_ variables, as everywhere.
 */
import { type Context, context, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { readTraceparent } from '../../shared/contract/trace.ts';
import type { ModelCall } from './batch.ts';
import type { Watcher } from './watch.ts';

export interface JobTraces {
  readonly watcher: Watcher;
  /** Sends what has not been sent; no more is taken. */
  end(): Promise<void>;
}

// What is looked for is looked for now; the SDK's own delay is five seconds.
const DELAY_MS = 1_000;
// Two batches of 256 texts with a few steps a second each, until the next is sent.
const MOST_SPANS = 8_192;

export interface TraceOptions {
  /** Where a collector takes OTLP over HTTP: 'http://127.0.0.1:4318'. */
  readonly endpoint: string;
  /** Share of the jobs without a trace that are recorded, 0..1; the others do as their trace says. */
  readonly share: number;
}

export function traceJobs({ endpoint, share }: TraceOptions): JobTraces {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'maskwright-engine' }))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: MOST_SPANS, scheduledDelayMillis: DELAY_MS })],
  });
  const tracer = provider.getTracer('maskwright');

  const watcher: Watcher = (job) => {
    const span = tracer.startSpan('generate', { kind: SpanKind.SERVER, attributes: attributesOf(job) }, parentOf(job));
    if (!span.isRecording()) {
      span.end();
      return {};
    }
    const inside = trace.setSpan(context.active(), span);
    const calls = new Map<number, { readonly call: ModelCall; readonly ended: number }[]>();
    let waiting: Span | undefined = tracer.startSpan('queue', {}, inside);
    const next = (name?: string) => {
      waiting?.end();
      waiting = name === undefined ? undefined : tracer.startSpan(name, {}, inside);
    };
    return {
      admitted: () => next('prepare'),
      prepared: () => next(),
      called(index, call) {
        calls.set(index, [...(calls.get(index) ?? []), { call, ended: Date.now() }]);
      },
      stepped({ index, step, committed, remasked, masks_left }, since) {
        const startTime = performance.timeOrigin + since;
        const attributes = {
          'maskwright.text': index,
          'maskwright.step': step,
          'maskwright.committed': committed.length,
          'maskwright.remasked': remasked.length,
          'maskwright.masks_left': masks_left,
        };
        const stepSpan = tracer.startSpan('step', { startTime, attributes }, inside);
        for (const { call, ended } of calls.get(index) ?? []) stepSpan.addEvent('model call', eventOf(call), ended);
        calls.delete(index);
        stepSpan.end();
      },
      ended({ outcome, code }) {
        next();
        span.setAttributes({ 'maskwright.outcome': outcome, 'maskwright.code': code });
        if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR, message: code });
        span.end();
      },
    };
  };
  return { watcher, end: () => provider.shutdown() };
}

function attributesOf({ id, request, priority = 'normal' }: GenerationJob) {
  return {
    'maskwright.job': id,
    'maskwright.model': request.model,
    'maskwright.n': request.n ?? 1,
    'maskwright.priority': priority,
  };
}

function eventOf({ canvases, positions, padded, seconds }: ModelCall) {
  return {
    'maskwright.canvases': canvases,
    'maskwright.positions': positions,
    'maskwright.padded': padded,
    'maskwright.seconds': seconds,
  };
}

/** The span that the job says it comes from, of another process. */
function parentOf({ traceparent }: GenerationJob): Context {
  const parent = readTraceparent(traceparent);
  if (parent === undefined) return context.active();
  const { traceId, spanId, sampled } = parent;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(context.active(), { traceId, spanId, traceFlags, isRemote: true });
}
