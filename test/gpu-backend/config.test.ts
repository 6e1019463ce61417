import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema, readConfig } from '../../gpu-backend/config.ts';
import { quoted, tableRows } from '../documented-tables.ts';

const MASKWRIGHT_SECRET = 'a secret of thirty-two characters, and more';

describe('readConfig', () => {
  it('has a default for everything but the secret', () => {
    expect(readConfig({ MASKWRIGHT_SECRET, PATH: '/bin' })).toEqual({
      host: '127.0.0.1',
      port: 8788,
      secret: MASKWRIGHT_SECRET,
      models: ['models/default'],
      device: 'cpu',
      precision: 'int8',
      engines: 1,
      threads: availableParallelism(),
      modelMemoryMb: undefined,
      running: undefined,
      waitingS: 60,
      deadlineS: 300,
      graceS: 25,
      role: 'service',
      nats: { servers: ['nats://127.0.0.1:4222'], credentials: undefined, replicas: 1, prefix: 'maskwright' },
      cacheFolder: '.cache',
      logLevel: 'info',
    });
  });

  it('reads what is set', () => {
    const config = readConfig({
      MASKWRIGHT_SECRET,
      MASKWRIGHT_BACKEND_PORT: '9000',
      MASKWRIGHT_MODELS: 'a, b/c',
      MASKWRIGHT_PRECISION: 'float32',
      MASKWRIGHT_THREADS: '3',
    });
    expect(config).toMatchObject({ port: 9000, models: ['a', 'b/c'], precision: 'float32', threads: 3 });
  });

  it('shares the cores out to the engines, with a thread of the model runtime for each at least', () => {
    const threads = (MASKWRIGHT_ENGINES: string) => readConfig({ MASKWRIGHT_SECRET, MASKWRIGHT_ENGINES }).threads;
    expect(threads('2')).toBe(Math.max(1, Math.floor(availableParallelism() / 2)));
    expect(threads('64')).toBe(Math.max(1, Math.floor(availableParallelism() / 64)));
    expect(readConfig({ MASKWRIGHT_SECRET, MASKWRIGHT_ENGINES: '2', MASKWRIGHT_THREADS: '3' })).toMatchObject({
      ...{ engines: 2, threads: 3 },
    });
  });

  it.each([
    ['cpu', 'int8'],
    ['webgpu', 'float32'],
    ['cuda', 'float16'],
    ['directml', 'float16'],
  ])('runs %s in %s where no precision is asked for', (device, precision) => {
    expect(readConfig({ MASKWRIGHT_SECRET, MASKWRIGHT_DEVICE: device })).toMatchObject({ device, precision });
  });

  it.each([
    [{}, ['MASKWRIGHT_SECRET must be set']],
    [{ MASKWRIGHT_SECRET: 'short' }, ['MASKWRIGHT_SECRET must have at least 32 characters']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_BACKEND_PORT: '99999' }, ['MASKWRIGHT_BACKEND_PORT must be at most 65535']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_BACKEND_PORT: 'http' }, ['must be a whole number', '"http"']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_DEVICE: 'tpu' }, ['MASKWRIGHT_DEVICE must be one of: cpu, webgpu, cuda', '"tpu"']],
    [
      { MASKWRIGHT_SECRET, MASKWRIGHT_PRECISION: 'float16' },
      ['MASKWRIGHT_PRECISION does not go with MASKWRIGHT_DEVICE', 'device cpu', 'int8 or int4 or float32'],
    ],
    [
      { MASKWRIGHT_SECRET, MASKWRIGHT_DEVICE: 'cuda', MASKWRIGHT_PRECISION: 'int8' },
      ['precision is int8 and device cuda; cuda takes float16 or float32 or int4'],
    ],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_ENGINES: '65' }, ['MASKWRIGHT_ENGINES must be at most 64', '65']],
    [
      { MASKWRIGHT_SECRET, MASKWRIGHT_ENGINES: '2', MASKWRIGHT_DEVICE: 'cuda' },
      ['MASKWRIGHT_ENGINES does not go with MASKWRIGHT_DEVICE', 'device is cuda'],
    ],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_THREADS: '0' }, ['MASKWRIGHT_THREADS must be at least 1']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_MODELS: 'a,,b' }, ['MASKWRIGHT_MODELS must be folders separated by commas']],
    [
      { MASKWRIGHT_SECRET, MASKWRIGHT_THREDS: '2' },
      ['MASKWRIGHT_THREDS is not a variable', 'did you mean MASKWRIGHT_THREADS?'],
    ],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_QQQQQQQQ: '2' }, ['MASKWRIGHT_QQQQQQQQ', 'there are: MASKWRIGHT_HOST, ']],
    [{ MASKWRIGHT_SECRET, OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, ['OTEL_EXPORTER_OTLP_ENDPOINT must be']],
    [{ MASKWRIGHT_SECRET, OTEL_TRACES_SAMPLER_ARG: '1.5' }, ['OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1']],
    [{ MASKWRIGHT_THREADS: '0', MASKWRIGHT_X: '' }, ['MASKWRIGHT_THREADS', 'MASKWRIGHT_X', 'MASKWRIGHT_SECRET']],
  ])('says of %j what is wrong and what is allowed', (environment, said) => {
    let message = '';
    try {
      readConfig(environment);
    } catch (thrown) {
      message = String(thrown);
    }
    for (const part of said) expect(message).toContain(part);
    expect(message).not.toContain('short');
  });
});

/** What the schema says of a variable, as far as it can be read off it. */
interface Entry {
  readonly type: string;
  readonly default?: string;
  readonly wrapped?: Entry;
  readonly options?: readonly string[];
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

/** Bounds of a number, names of a choice. */
function allowedOf(entry: Entry): string[] | undefined {
  const { options, pipe = [] } = entry.wrapped ?? entry;
  const bound = (type: string) => pipe.find((action) => action.type === type)?.requirement;
  if (options !== undefined) return [...options];
  return bound('min_value') === undefined ? undefined : [String(bound('min_value')), String(bound('max_value'))];
}

describe('docs/configuration.md', () => {
  const rows = tableRows('configuration.md');
  const service = rows.filter((cells) => cells.length === 4);

  it('has every variable of the service, with its default and what is allowed', () => {
    const entries = Object.entries(configSchema.entries) as unknown as [string, Entry][];
    expect(service.map(([name]) => quoted(name)[0]).sort()).toEqual(entries.map(([name]) => name).sort());
    for (const [name, entry] of entries) {
      const [, fallback, allowed] = service.find(([cell]) => cell === `\`${name}\``)!;
      // That of the threads follows from another variable, which the cell names.
      const expected = entry.default ?? { MASKWRIGHT_THREADS: 'MASKWRIGHT_ENGINES' }[name];
      expect([name, quoted(fallback)]).toEqual([name, expected === undefined ? [] : [expected]]);
      const range = allowedOf(entry);
      if (range !== undefined) expect([name, [...quoted(allowed)].sort()]).toEqual([name, [...range].sort()]);
    }
  });

  it('has every variable of the edge', () => {
    const source = readFileSync(join(import.meta.dirname, '../../edge/env.ts'), 'utf8');
    const names = [...source.matchAll(/^ {2}readonly ([A-Z0-9_]+)\??:/gm)].map(([, name]) => name);
    const edge = rows.filter(([name, , , more]) => more === undefined && !name.startsWith('`MASKWRIGHT_'));
    expect(edge.flatMap(([name]) => quoted(name)).sort()).toEqual(names.sort());
  });
});
