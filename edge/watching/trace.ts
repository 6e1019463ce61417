/** The spans of one request at the edge, by the ids of W3C Trace Context. They cost a few objects; edge/watching/otlp.ts sends them where asked to. */
import { ProblemError } from '../../shared/contract/problem.ts';
import {
  randomSpanId,
  randomTraceId,
  readTraceparent,
  type TraceContext,
  writeTraceparent,
} from '../../shared/contract/trace.ts';
import { ending } from '../iteration.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span that has ended. */
export interface SpanRecord {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** As OTLP numbers them: 2 for what a caller asked of us, 3 for what we ask of another service, 1 for our own. */
  readonly kind: 1 | 2 | 3;
  /** Unix milliseconds. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Attributes;
  /** What went wrong, as a code: what callers wrote has no place in traces. */
  readonly error?: string;
}

export interface Span {
  /** What whoever works for it is told. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** Once; later calls do nothing. */
  end(error?: string): void;
}

export interface RequestTrace {
  readonly traceId: string;
  readonly sampled: boolean;
  /** Of the whole request. It ends when it is told to and its children have ended: an answer that streams outlives its handler. */
  readonly root: Span;
  /** Begins a child of the whole request. */
  child(name: string, kind: SpanRecord['kind']): Span;
  /** All spans, once the last has ended. */
  readonly ended: Promise<readonly SpanRecord[]>;
}

/**
 * Continues the caller's trace, or begins one.
 *
 * @param nameOf name of the whole request, asked for as it ends: by then its route is known
 * @param share of the traces begun here that are recorded, 0..1
 */
export function startTrace(nameOf: () => string, caller: string | undefined, share: number): RequestTrace {
  const parent = readTraceparent(caller);
  const traceId = parent?.traceId ?? randomTraceId();
  const sampled = parent?.sampled ?? isRecorded(traceId, share);
  const records: SpanRecord[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<readonly SpanRecord[]>();
  let open = 0;

  function begin(
    nameOf: () => string,
    span: Pick<SpanRecord, 'kind' | 'parentSpanId'>,
  ): Span & { readonly spanId: string } {
    const spanId = randomSpanId();
    const start = Date.now();
    const attributes: Record<string, string | number | boolean> = {};
    let over = false;
    open++;
    return {
      spanId,
      traceparent: writeTraceparent({ traceId, spanId, sampled } satisfies TraceContext),
      set: (more) => void Object.assign(attributes, more),
      end(error) {
        if (over) return;
        over = true;
        records.push({ ...span, name: nameOf(), spanId, start, end: Date.now(), attributes, error });
        open--;
        if (open === 1 && closeRoot !== undefined) closeRoot();
        if (open === 0) resolve(records);
      },
    };
  }

  const root = begin(nameOf, { kind: 2, parentSpanId: parent?.spanId });
  let closeRoot: (() => void) | undefined;
  return {
    traceId,
    sampled,
    ended,
    root: {
      ...root,
      end(error) {
        if (open === 1) root.end(error);
        else closeRoot ??= () => root.end(error);
      },
    },
    child: (name, kind) => begin(() => name, { kind, parentSpanId: root.spanId }),
  };
}

/** The last seven bytes of a trace id are random (W3C Trace Context level 2): every service that goes by them picks the same traces. */
function isRecorded(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(-14, -1), 16) < share * 16 ** 13;
}

/** A span around an iteration: it ends as the iteration does, however that is. */
export function spanned<Value>(span: Span, values: AsyncGenerator<Value>): AsyncGenerator<Value> {
  return ending(values, (end) => {
    if (end.how === 'failed') span.end(codeOf(end.error));
    else span.end(end.how === 'left' ? 'reader_left' : undefined);
  });
}

/** The code of a problem. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof ProblemError ? thrown.problem.code : 'internal_error';
}
