/**
 * What one thread counts and measures: a registry of its own, made from a catalogue of families, written with typed names.
 *
 * A family is called by its name without prefix and, for counters, without `_total`; the exposition has both. Nothing is global, so
 * that two engines in one process (tests, benches) do not count together.
 */
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';

const PREFIX = 'maskwright_';

/** Labels by name: the values they take, where these are known beforehand; otherwise an empty list. */
type LabelValues = Readonly<Record<string, readonly string[]>>;

export interface MetricFamily {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: LabelValues;
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
  /** What several threads that measure it come to together; their sum by default. */
  readonly together?: 'sum' | 'max';
}

export type MetricFamilies = Readonly<Record<string, MetricFamily>>;

type NamesOf<F extends MetricFamilies, Kind extends MetricFamily['kind']> = {
  [Name in keyof F & string]: F[Name]['kind'] extends Kind ? Name : never;
}[keyof F & string];

/** Counters that are written without labels. */
export type PlainCounter<F extends MetricFamilies> = {
  [Name in NamesOf<F, 'counter'>]: F[Name] extends { readonly labels: LabelValues } ? never : Name;
}[NamesOf<F, 'counter'>];

/** The labels a family is written with: none, or one value for each. */
type LabelsOf<Family> = Family extends { readonly labels: infer L extends LabelValues }
  ? [labels: { readonly [Label in keyof L]: L[Label] extends readonly [] ? string : L[Label][number] }]
  : [];

type Labels = Readonly<Record<string, string>>;

export interface Metrics<F extends MetricFamilies> {
  /** Adds to a counter. */
  add<Name extends NamesOf<F, 'counter'>>(name: Name, amount?: number, ...labels: LabelsOf<F[Name]>): void;
  /** Adds a measurement to a histogram. */
  observe<Name extends NamesOf<F, 'histogram'>>(name: Name, value: number, ...labels: LabelsOf<F[Name]>): void;
  /** Says where a gauge is read whenever somebody asks. */
  read<Name extends NamesOf<F, 'gauge'>>(name: Name, value: () => number): void;
  /** What a counter has come to, under these labels or under all together. */
  value<Name extends NamesOf<F, 'counter'>>(name: Name, labels?: Partial<LabelsOf<F[Name]>[0]>): number;
  /** Prometheus text format, version 0.0.4. */
  exposition(): Promise<string>;
  /** All of it, to be sent to another thread. */
  snapshot(): Promise<MetricsSnapshot>;
  /** For families that prom-client makes itself. */
  readonly registry: Registry;
}

/** What one thread has counted and measured, as plain objects. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** As it stands in the exposition. */
export function metricName(name: string, { kind }: MetricFamily, prefix = PREFIX): string {
  return `${prefix}${name}${kind === 'counter' ? '_total' : ''}`;
}

export function createMetrics<const F extends MetricFamilies>(families: F, prefix = PREFIX): Metrics<F> {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  const gauges = new Map<string, () => number>();
  const totals = new Map<string, { readonly name: string; readonly labels: Labels; amount: number }>();
  for (const [key, family] of Object.entries<MetricFamily>(families)) {
    const { help, kind, labels = {}, buckets, together = 'sum' } = family;
    const labelNames = Object.keys(labels);
    const settings = {
      name: metricName(key, family, prefix),
      help,
      labelNames,
      registers: [registry],
      aggregator: together,
    };
    if (kind === 'counter') {
      const counter = new Counter(settings);
      counters.set(key, counter);
      // A series that begins with its first increment hides that increment from rate(); those known beforehand begin at 0.
      const [label, ...others] = labelNames;
      if (others.length === 0) for (const value of labels[label] ?? []) counter.inc({ [label]: value }, 0);
    } else if (kind === 'histogram') {
      histograms.set(key, new Histogram({ ...settings, buckets: [...(buckets ?? [])] }));
    } else {
      const read = () => gauges.get(key)?.() ?? 0;
      new Gauge({
        ...settings,
        collect() {
          this.set(read());
        },
      });
    }
  }
  return {
    registry,
    add(name, amount = 1, ...[labels = {}]: readonly Labels[]) {
      const key = JSON.stringify([name, labels]);
      const total = totals.get(key) ?? { name, labels, amount: 0 };
      total.amount += amount;
      totals.set(key, total);
      counters.get(name)!.inc(labels, amount);
    },
    observe(name, value, ...[labels = {}]: readonly Labels[]) {
      histograms.get(name)!.observe(labels, value);
    },
    read(name, value) {
      gauges.set(name, value);
    },
    value(name, asked = {}) {
      const isAsked = (labels: Labels) => Object.entries(asked).every(([label, value]) => labels[label] === value);
      const found = [...totals.values()].filter((total) => total.name === name && isAsked(total.labels));
      return found.reduce((sum, { amount }) => sum + amount, 0);
    },
    exposition: () => registry.metrics(),
    snapshot: () => registry.getMetricsAsJSON(),
  };
}

/** Threads that count the same families as one: Prometheus text format, version 0.0.4. */
export function togetherExposition(threads: readonly MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate([...threads]).metrics();
}

/** Buckets of a time in seconds, from a millisecond to five minutes: a step takes some, a text on a busy machine the other end. */
export const SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
] as const;
