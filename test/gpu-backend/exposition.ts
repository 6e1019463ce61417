/**
 * A reader of Prometheus' text format, version 0.0.4, as strict as a scraper and a little more: it throws where families are torn
 * apart or said twice, where a name or label is not valid, and where a histogram does not add up.
 */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended');
  const families = new Map<string, Family & { readonly samples: Sample[] }>();
  const series = new Set<string>();
  let current: (Family & { readonly samples: Sample[] }) | undefined;
  let help: [string, string] | undefined;
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment?.[1] === 'HELP') help = [comment[2], comment[3]];
    else if (comment !== null) {
      const [, , name, type] = comment;
      if (help?.[0] !== name) throw new Error(`${name} has no HELP before its TYPE`);
      if (families.has(name)) throw new Error(`${name} is there twice`);
      current = { name, help: help[1], type, samples: [] };
      families.set(name, current);
    } else {
      const sample = readSample(line);
      if (current === undefined || !namesOf(current).includes(sample.name)) {
        throw new Error(`${line} stands under ${current?.name}`);
      }
      const key = line.slice(0, line.lastIndexOf(' '));
      if (series.has(key)) throw new Error(`${key} is there twice`);
      series.add(key);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

/** The names that samples of a family have. */
export function namesOf({ name, type }: Pick<Family, 'name' | 'type'>): string[] {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
  return type === 'summary' ? [name, `${name}_sum`, `${name}_count`] : [name];
}

function readSample(line: string): Sample {
  const [, name, list = '', number] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let at = 0; at < list.length; at = LABEL.lastIndex) {
    const label = LABEL.exec(list);
    if (label === null || label[1] in labels) throw new Error(`labels of ${line}`);
    labels[label[1]] = label[2];
  }
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value) && number !== 'Nan') throw new Error(`value of ${line}`);
  return { name, labels, value };
}

function checkFamily({ name, help, type, samples }: Family): void {
  if (help.length < 5) throw new Error(`${name} has no HELP worth the name`);
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`the counter ${name} does not end in _total`);
  // prom-client's own nodejs_ families do not keep to this.
  if (type !== 'counter' && name.startsWith('maskwright_') && name.endsWith('_total'))
    throw new Error(`${name} is no counter`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is negative`);
  if (type !== 'histogram') return;
  const groups = Map.groupBy(samples, ({ labels: { le: _le, ...others } }) => JSON.stringify(others));
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => (labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)));
    const counts = buckets.map(({ value }) => value);
    const rising = (values: readonly number[]) => values.every((value, i) => i === 0 || values[i - 1] <= value);
    if (!rising(bounds) || bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`bounds of ${name}`);
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    if (!rising(counts) || counts.at(-1) !== count) throw new Error(`counts of ${name}`);
    if (!group.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} has no sum`);
  }
}
