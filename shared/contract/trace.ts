/**
 * W3C Trace Context, version 00 (https://www.w3.org/TR/trace-context/): what ties the spans and log lines of one request together,
 * from the caller to the last denoising step.
 */
import { toHex } from './signature.ts';

export interface TraceContext {
  /** 32 hexadecimal digits, lower case, not all 0. */
  readonly traceId: string;
  /** Of the span that whoever receives it is a child of: 16 hexadecimal digits, not all 0. */
  readonly spanId: string;
  /** Whether the trace is recorded. */
  readonly sampled: boolean;
}

/** A traceparent as we send it. */
export const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
// Of a later version, which may have more fields behind; ff is none.
const LATER = /^(?!00|ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** What a traceparent says; undefined where there is none, or none that is valid: then a trace begins anew. */
export function readTraceparent(header: string | null | undefined): TraceContext | undefined {
  const found = TRACEPARENT.exec(header ?? '') ?? LATER.exec(header ?? '');
  if (found === null) return undefined;
  const [, traceId, spanId, flags] = found;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

export function writeTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

export const randomTraceId = (): string => randomHex(16);
export const randomSpanId = (): string => randomHex(8);

/** Random bytes in hexadecimal; all zeros, which stands for no identifier, is drawn again. */
function randomHex(bytes: number): string {
  const drawn = crypto.getRandomValues(new Uint8Array(bytes));
  return drawn.every((byte) => byte === 0) ? randomHex(bytes) : toHex(drawn);
}
