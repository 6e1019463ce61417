/**
 * What a bench says: a table for people, or one JSON object, and whether its bars hold.
 */
import { cpus, totalmem } from 'node:os';
import type { Device, PrecisionName } from '../gpu-backend/model/device.ts';

/** A figure that must keep to a bound. */
export interface Bar {
  readonly what: string;
  readonly value: number;
  /** In words or as a number: 'at most 1.25'. */
  readonly bound: number | string;
  readonly holds: boolean;
}

export type Row = Readonly<Record<string, string | number>>;

export interface Report {
  readonly bench: string;
  /** How it was measured, in sentences. */
  readonly method: string;
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
}

/** What a bench may be told on the command line. */
export interface BenchOptions {
  /** Model folder. */
  readonly model: string;
  readonly threads: number;
  /** About how long one row of the table may take to measure. */
  readonly rowMilliseconds: number;
  /** Folder of derived files. */
  readonly cacheFolder: string;
  /** Folder of the autoregressive model that scores generated texts. */
  readonly scorer?: string;
  /** Of the bench `decisions`: folder of the training corpus. */
  readonly corpus?: string;
  /** Of the bench `sampler`: only sets of texts whose name has one of these parts, separated by commas. */
  readonly only?: string;
  /** Of the bench `serve`: how long the load lasts. */
  readonly seconds: number;
  /** Of the bench `serve`: engines of the service under load; as many as there are cores by default. */
  readonly engines?: number;
  /** Texts that are generated in each style. */
  readonly textsPerStyle: number;
  /** Of the bench `device`: what is measured. */
  readonly device?: Device;
  readonly precision?: PrecisionName;
  /** A random checkpoint to measure as well (random-checkpoint.ts). */
  readonly shape?: string;
}

export type Bench = (options: BenchOptions) => Promise<Report>;

/** The machine in words: what figures depend on. */
export function machine(): string {
  const cores = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores[0]?.model.trim() ?? 'unknown processor'}, ${cores.length} cores, ${memory} GiB, ${process.platform} ${process.arch}, Node ${process.version}`;
}

const GROUP = 4;

function cell(value: string | number): string {
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? String(value) : value.toPrecision(GROUP);
}

/** Rows as aligned columns, numbers to the right. */
export function table(rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [names, ...rows.map((row) => names.map((name) => cell(row[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const numeric = names.map((name) => rows.every((row) => typeof row[name] !== 'string'));
  const align = (text: string, column: number) =>
    numeric[column] ? text.padStart(widths[column]) : text.padEnd(widths[column]);
  return cells.map((line) => line.map(align).join('  ').trimEnd()).join('\n');
}

/** The report as text. */
export function asText(report: Report): string {
  const bars = report.bars.map(
    ({ what, value, bound, holds }) => `${holds ? 'holds ' : 'FAILS '} ${what}: ${cell(value)} (${bound})`,
  );
  const parts = [`${report.bench} on ${machine()}`, report.method, table(report.rows), ...bars];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** The report as one JSON object. */
export function asJson(report: Report): string {
  const { bench, method, rows, bars } = report;
  return JSON.stringify({ bench, machine: machine(), method, rows, bars });
}

/** Middle value; the mean of the middle two where there is no middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Distance between the quarters, relative to the median. */
export function spread(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return (at(0.75) - at(0.25)) / median(sorted);
}
