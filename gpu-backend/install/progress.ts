/**
 * A line that says how far a long piece of work is.
 */
export interface Progress {
  /** `done` of `total`, in bytes, of the work named. */
  update(label: string, done: number, total: number): void;
  /** A line that stays. */
  say(text: string): void;
  end(): void;
}

const WIDTH = 24;
/** A terminal needs no more than ten lines a second, a log file no more than one in ten seconds. */
const TERMINAL_MS = 100;
const LOG_MS = 10_000;

/** Decimal units, as file systems and the Hub count. */
export function readableBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Draws on a terminal; elsewhere writes a line now and then. */
export function progressOn(stream: NodeJS.WriteStream | NodeJS.WritableStream, now: () => number = Date.now): Progress {
  const terminal = 'isTTY' in stream && stream.isTTY;
  let last = Number.NEGATIVE_INFINITY;
  let drawn = '';
  const clear = () => {
    if (terminal && drawn !== '') stream.write(`\r${' '.repeat(drawn.length)}\r`);
    drawn = '';
  };
  return {
    update(label, done, total) {
      if (done < total && now() - last < (terminal ? TERMINAL_MS : LOG_MS)) return;
      last = now();
      const share = total === 0 ? 1 : done / total;
      const filled = Math.round(share * WIDTH);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
      const line = `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${readableBytes(done)} of ${readableBytes(total)}  ${label}`;
      if (!terminal) stream.write(`${line}\n`);
      else {
        stream.write(`\r${line.padEnd(drawn.length)}`);
        drawn = line;
      }
    },
    say(text) {
      clear();
      stream.write(`${text}\n`);
    },
    end: clear,
  };
}

/** Says nothing. */
export const silent: Progress = { update() {}, say() {}, end() {} };
