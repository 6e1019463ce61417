/**
 * What one job has said so far: its events, numbered from 0 and written out once, and the readers that follow them.
 */
import { streamGone } from '../../shared/contract/problem.ts';
import type { GenerationEvent } from '../../shared/contract/stream.ts';
import { createGate, type Gate } from '../engine/reader.ts';

export interface RecordLimits {
  /** Bytes that have come and that the quickest reader has not taken, from which on the work rests; at half of it the work goes on. */
  readonly behindBytes: number;
  /** Most bytes of one job. Beyond it the oldest events go, and whoever still wants those has lost the stream. */
  readonly jobBytes: number;
}

export interface JobRecord {
  append(event: GenerationEvent): void;
  /** No more events. */
  end(): void;
  /** No more events; whoever has read those there are is thrown `reason`. */
  fail(reason: unknown): void;
  /**
   * The lines of the events numbered above `after`, first those there are, then others as they come. One is held to be a reader from
   * the first time he asks until he breaks off or his signal aborts.
   * @throws ProblemError stream_gone where events he wants are no longer there; what `fail` was given; the signal's reason
   */
  follow(after: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void>;
  /** Open while a reader is there who is not behind. */
  readonly wants: Gate;
  /** Events so far. */
  readonly length: number;
  /** Bytes held. */
  readonly bytes: number;
  readonly ended: boolean;
  readonly readers: number;
}

interface Following {
  /** Number of the event he wants next. */
  next: number;
  wake: () => void;
}

/** @param onReaders called when a reader has come or gone */
export function createJobRecord({ behindBytes, jobBytes }: RecordLimits, onReaders: () => void): JobRecord {
  /** The lines held, and where each begins in all that was ever written. */
  const lines: Uint8Array[] = [];
  const starts: number[] = [];
  /** The lines as one, once there are no more: apart they take as much again. */
  let whole: Uint8Array | undefined;
  const readers = new Set<Following>();
  const wants = createGate();
  /** Number of the oldest line, and bytes of all lines there ever were. */
  let first = 0;
  let written = 0;
  let close: { readonly failed: boolean; readonly reason?: unknown } | undefined;

  const behind = ({ next }: Following) => written - (starts[Math.max(0, next - first)] ?? written);
  function setGate(): void {
    const most = wants.open ? behindBytes : behindBytes / 2;
    let open = false;
    for (const reader of readers) open ||= behind(reader) <= most;
    wants.set(open);
  }
  function wakeAll(): void {
    for (const reader of readers) reader.wake();
  }
  const settle = (how: NonNullable<typeof close>) => {
    if (close !== undefined) return;
    close = how;
    whole = Buffer.concat(lines.splice(0));
    wakeAll();
  };
  const held = () => written - (starts[0] ?? written);
  const lineAt = (n: number) =>
    whole === undefined ? lines[n] : whole.subarray(starts[n] - starts[0], (starts[n + 1] ?? written) - starts[0]);

  return {
    wants,
    get length() {
      return first + starts.length;
    },
    get bytes() {
      return held();
    },
    get ended() {
      return close !== undefined;
    },
    get readers() {
      return readers.size;
    },
    append(event) {
      const bytes = Buffer.from(`{"seq":${first + starts.length},${JSON.stringify(event).slice(1)}\n`);
      lines.push(bytes);
      starts.push(written);
      written += bytes.byteLength;
      for (; held() > jobBytes && starts.length > 1; first++) {
        lines.shift();
        starts.shift();
      }
      setGate();
      wakeAll();
    },
    end: () => settle({ failed: false }),
    fail: (reason) => settle({ failed: true, reason }),
    async *follow(after, signal) {
      signal.throwIfAborted();
      const reader: Following = { next: after + 1, wake: () => {} };
      const wake = () => reader.wake();
      readers.add(reader);
      signal.addEventListener('abort', wake);
      onReaders();
      setGate();
      try {
        for (;;) {
          signal.throwIfAborted();
          if (reader.next < first) throw streamGone();
          if (reader.next - first < starts.length) {
            const line = lineAt(reader.next++ - first);
            setGate();
            yield line;
          } else if (close !== undefined) {
            if (close.failed) throw close.reason;
            return;
          } else {
            await new Promise<void>((resolve) => {
              reader.wake = resolve;
            });
          }
        }
      } finally {
        signal.removeEventListener('abort', wake);
        readers.delete(reader);
        setGate();
        onReaders();
      }
    },
  };
}
