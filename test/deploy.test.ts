/** What deploy/ says agrees with the code: variables, ports, paths, names, metrics. Nothing is built here. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { configSchema, readConfig } from '../gpu-backend/config.ts';
import { namesOf } from '../gpu-backend/dispatch/nats/names.ts';
import { metricName } from '../gpu-backend/engine/metrics.ts';
import { PRIORITIES } from '../shared/contract/generation.ts';
import { CATALOGUES } from './gpu-backend/catalogues.ts';
import { namesOf as samplesOf } from './gpu-backend/exposition.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const filesOf = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(ROOT.length + 1));
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match.slice(1));

const deployed = filesOf('deploy');
const kubernetes = deployed.filter((path) => path.startsWith('deploy/kubernetes/'));
const dockerfile = read('deploy/Dockerfile');
const compose = read('deploy/docker-compose.yml');
const SECRET = 'x'.repeat(32);

describe('variables in deploy/', () => {
  it('are known to the service, and their values valid', () => {
    const given = deployed.flatMap((path) => {
      const text = read(path);
      return [
        ...all(text, /name: (MASKWRIGHT_\w+), value: "?([^" }]+)"?/g),
        ...all(text, /^\s+(MASKWRIGHT_\w+): "?([^$"\n]+)"?$/gm),
        ...all(text, /(MASKWRIGHT_\w+)=([\w./]+)/g),
      ];
    });
    expect(given.length).toBeGreaterThan(15);
    for (const [name, value] of given) {
      expect(Object.keys(configSchema.entries)).toContain(name);
      if (name !== 'MASKWRIGHT_SECRET') {
        expect(() => readConfig({ MASKWRIGHT_SECRET: SECRET, [name]: value }), `${name}=${value}`).not.toThrow();
      }
    }
    const mentioned = new Set(deployed.flatMap((path) => all(read(path), /(MASKWRIGHT_[A-Z_]+)/g)).flat());
    for (const name of mentioned) expect(Object.keys(configSchema.entries)).toContain(name);
  });

  it('of engines go together, on processors and, as they are patched, on GPUs', () => {
    const engine = read('deploy/kubernetes/base/engine.yaml');
    const pairs = all(engine, /name: (MASKWRIGHT_\w+)(?:, value: "?([^" }]+)"?)?/g);
    const environment = Object.fromEntries(pairs.map(([name, value = SECRET]) => [name, value]));
    expect(readConfig(environment)).toMatchObject({ role: 'engine', device: 'cpu', engines: 2, threads: 1 });
    const cuda = read('deploy/kubernetes/cuda/kustomization.yaml');
    const added = Object.fromEntries(all(cuda, /name: (MASKWRIGHT_\w+), value: (\w+)/g));
    expect(() => readConfig({ ...environment, ...added })).toThrow('MASKWRIGHT_ENGINES');
    const [[place, name]] = all(cuda, /env\/(\d+)\/name\n\s+value: (\w+)/g);
    expect(pairs[Number(place)][0]).toBe(name);
    const [[replaced, value]] = all(cuda, /env\/(\d+)\/value\n\s+value: "(\w+)"/g);
    const patched = { ...environment, ...added, [pairs[Number(replaced)][0]]: value };
    expect(readConfig(patched)).toMatchObject({ device: 'cuda', engines: 1 });
  });

  it('leave the process more time to end than it takes', () => {
    const seconds = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);
    for (const name of ['gateway', 'engine']) {
      const text = read(`deploy/kubernetes/base/${name}.yaml`);
      const grace = seconds(text, /MASKWRIGHT_GRACE_S, value: "(\d+)"/);
      const pause = all(text, /command: \["sleep", "(\d+)"\]/g).reduce((sum, [s]) => sum + Number(s), 0);
      expect(seconds(text, /terminationGracePeriodSeconds: (\d+)/)).toBeGreaterThanOrEqual(grace + pause + 5);
    }
    expect(seconds(compose, /stop_grace_period: (\d+)s/)).toBeGreaterThan(
      seconds(compose, /MASKWRIGHT_GRACE_S: "(\d+)"/),
    );
  });
});

describe('ports and paths in deploy/', () => {
  const { port } = readConfig({ MASKWRIGHT_SECRET: SECRET });

  it('are those of the service', () => {
    expect(all(dockerfile, /EXPOSE (\d+)/g)).toEqual([[String(port)], [String(port)]]);
    for (const name of ['gateway', 'engine']) {
      const text = read(`deploy/kubernetes/base/${name}.yaml`);
      expect(all(text, /name: http, containerPort: (\d+)/g)).toEqual([[String(port)]]);
      expect(all(text, /httpGet: \{ path: (\S+), port: http \}/g).flat()).toEqual(['/healthz', '/readyz']);
    }
    expect(all(read('deploy/prometheus/prometheus.yaml'), /port: (\d+)/g).flat()).toEqual([String(port), String(port)]);
    expect(compose).toContain(`:${port}:${port}"`);
  });

  it('of images are copied from what .dockerignore lets through, and hold all that is imported', () => {
    const allowed = all(read('.dockerignore'), /^!(\S+)$/gm).flat();
    const copied = all(dockerfile, /^COPY (?!--from)(.+) \S+$/gm).flatMap(([sources]) => sources.split(' '));
    for (const source of copied) expect(allowed).toContain(source.replace('./', ''));
    // `npm ci --omit=dev`: what the service imports has to be a dependency.
    const { dependencies } = JSON.parse(read('package.json'));
    const sources = [...filesOf('gpu-backend'), ...filesOf('shared')].map(read);
    const imported = new Set(sources.flatMap((text) => all(text, /(?:from|import\() ?'([^.'][^']*)'/g)).flat());
    for (const name of imported) {
      const [scope, rest] = name.split('/');
      const bare = scope.startsWith('@') ? `${scope}/${rest}` : scope;
      if (scope.startsWith('node:') || builtinModules.includes(scope)) continue;
      expect(Object.keys(dependencies)).toContain(bare);
    }
  });

  it('of streams and consumers are those the service makes', () => {
    const names = namesOf(readConfig({ MASKWRIGHT_SECRET: SECRET }).nats.prefix);
    const { id } = JSON.parse(read('models/default/manifest.json'));
    const scale = read('deploy/kubernetes/base/scale.yaml');
    expect(new Set(all(scale, / stream: (\S+)/g).flat())).toEqual(new Set([names.jobs]));
    expect(all(scale, / consumer: (\S+)/g).flat()).toEqual(PRIORITIES.map((priority) => names.consumer(id, priority)));
    const namespace = /name: (\S+)/.exec(read('deploy/kubernetes/base/namespace.yaml'))?.[1];
    for (const [host] of all(scale, /Endpoint: (\S+):8222/g)) expect(host).toBe(`nats.${namespace}.svc.cluster.local`);
    expect(kubernetes.length).toBeGreaterThan(5);
  });
});

/** Every sample there can be, and the labels it has. */
function knownSamples(): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>([['up', new Set()]]);
  const add = (name: string, type: string, labels: readonly string[]) => {
    for (const sample of samplesOf({ name, type })) known.set(sample, new Set([...labels, 'le']));
  };
  for (const [prefix, families] of CATALOGUES) {
    for (const [key, family] of Object.entries(families)) {
      add(metricName(key, family, prefix), family.kind, Object.keys(family.labels ?? {}));
    }
  }
  const register = new Registry();
  collectDefaultMetrics({ register });
  for (const { name } of register.getMetricsAsArray()) add(name, 'gauge', []);
  register.clear();
  return known;
}

/** What a query asks for: the samples it names with the labels it picks them by, and the labels it groups by. */
function asked(query: string): { samples: [name: string, labels: string[]][]; groups: string[] } {
  const samples = all(query, /\b((?:maskwright|nodejs|process)_\w+|up\b)(?:\{([^}]*)\})?/g);
  return {
    samples: samples.map(([name, labels = '']) => [name, all(labels, /(\w+)(?:=|!)/g).flat()]),
    groups: all(query, /by \(([^)]*)\)/g).flatMap(([list]) => list.split(',').map((label) => label.trim())),
  };
}

describe('queries', () => {
  const known = knownSamples();
  // What a scrape itself adds.
  const scraped = ['job', 'instance'];
  const dashboard = JSON.parse(read('deploy/grafana/maskwright.json'));
  const panels = dashboard.panels as { title: string; type: string; id: number; targets?: { expr: string }[] }[];
  const alerts = read('deploy/prometheus/alerts.yaml');

  const check = (query: string) => {
    const { samples, groups } = asked(query);
    expect(samples.length, query).toBeGreaterThan(0);
    for (const [name, labels] of samples) {
      expect([...known.keys()], query).toContain(name);
      for (const label of labels) expect([...known.get(name)!, ...scraped], query).toContain(label);
    }
    for (const label of groups) {
      const found = samples.some(([name]) => known.get(name)!.has(label)) || scraped.includes(label);
      expect([query, label, found]).toEqual([query, label, true]);
    }
    expect(query.split('(').length, query).toBe(query.split(')').length);
  };

  it('of the dashboard ask for what is measured', () => {
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(40);
    queries.forEach(check);
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows).toEqual(['Traffic', 'Latency', 'Queue', 'Engine', 'Guarantees', 'NATS']);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it('of alerts ask for what is measured, of jobs that are scraped', () => {
    const queries = all(alerts, /^\s+expr: (.+)$/gm).flat();
    expect(queries.length).toBe(all(alerts, /- alert: (\w+)/g).length);
    queries.forEach(check);
    const jobs = all(read('deploy/prometheus/prometheus.yaml'), /job_name: (\S+)/g).flat();
    for (const [job] of all(alerts, /job="([^"]+)"/g)) expect(jobs).toContain(job);
  });
});
