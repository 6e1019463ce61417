/** GET /metrics of the real service: two threads, two registries, one exposition. */
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../gpu-backend/config.ts';
import { countModels } from '../../gpu-backend/engine/count-models.ts';
import { createCounters } from '../../gpu-backend/engine/counters.ts';
import { createMetrics, metricName, togetherExposition } from '../../gpu-backend/engine/metrics.ts';
import type { Service } from '../../gpu-backend/roles/role.ts';
import { startService } from '../../gpu-backend/roles/service.ts';
import { quoted, tableRows } from '../documented-tables.ts';
import { CATALOGUES } from './catalogues.ts';
import { type Family, parseExposition } from './exposition.ts';
import { eventsOf, jobOf, SECRET, signedPost } from './http/service.ts';

const TEMPLATE = 'The copper kettle {{verb:tokens=3}} and {{rest:tokens=20}}.';
let service: Service;

beforeAll(async () => {
  const config = readConfig({
    ...{ MASKWRIGHT_SECRET: SECRET, MASKWRIGHT_BACKEND_PORT: '0', MASKWRIGHT_MODELS: 'test/fixtures/overfit' },
    ...{ MASKWRIGHT_THREADS: '1', MASKWRIGHT_LOG: 'silent' },
    MASKWRIGHT_CACHE: await mkdtemp(join(tmpdir(), 'maskwright-')),
  });
  service = await startService(config, pino({ level: 'silent' }));
  await service.ready;
});

afterAll(() => service?.stop());

async function scrape(): Promise<Map<string, Family>> {
  const response = await fetch(`${service.url}/metrics`);
  expect(response.headers.get('content-type')).toContain('version=0.0.4');
  return parseExposition(await response.text());
}

/** The sum of the samples of one name that have these labels. */
function value(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const family = families.get(name.replace(/_(count|sum|bucket)$/, '')) ?? families.get(name);
  if (family === undefined) throw new Error(`there is no ${name}`);
  const samples = family.samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted),
  );
  return samples.reduce((sum, sample) => sum + sample.value, 0);
}

const kettles = () => signedPost(jobOf({ model: 'overfit', template: TEMPLATE, n: 2, diffusion: { steps: 4 } }));

describe('GET /metrics', () => {
  it('is one valid exposition of routes, engine and process, before anything has happened', async () => {
    const families = await scrape();
    for (const name of [
      'maskwright_http_requests_total',
      'maskwright_texts_running',
      'process_resident_memory_bytes',
    ]) {
      expect(families.has(name), name).toBe(true);
    }
    expect(value(families, 'maskwright_engine_heap_bytes')).toBeGreaterThan(1_000_000);
    // What alerts are about is there before it happens: rate() does not see a series begin at 1.
    expect(families.get('maskwright_check_failures_total')?.samples).toHaveLength(1);
  });

  it('counts what a job took, once', async () => {
    const before = await scrape();
    const response = await fetch(`${service.url}/generate`, await kettles());
    const usage = { steps: 0, evaluations: 0, positions: 0 };
    for await (const event of eventsOf(response)) {
      if (event.type !== 'done') continue;
      usage.steps += event.usage.denoising_steps;
      usage.evaluations += event.usage.model_evaluations;
      usage.positions += event.usage.positions_evaluated;
    }
    const after = await scrape();
    const grown = (name: string, labels = {}) => value(after, name, labels) - value(before, name, labels);
    const model = { model: 'overfit' };
    expect(grown('maskwright_texts_finished_total')).toBe(2);
    expect(grown('maskwright_denoising_steps_total', model)).toBe(usage.steps);
    expect(grown('maskwright_step_seconds_count')).toBe(usage.steps);
    expect(grown('maskwright_step_committed_sum')).toBe(46); // 2 texts of 23 tokens
    expect(grown('maskwright_model_evaluations_total')).toBe(usage.evaluations);
    expect(grown('maskwright_positions_evaluated_total')).toBe(usage.positions);
    expect(grown('maskwright_batch_fill_ratio_count')).toBe(grown('maskwright_batches_total'));
    expect(grown('maskwright_evaluation_seconds_count')).toBe(grown('maskwright_batches_total'));
    expect(grown('maskwright_queue_seconds_count')).toBe(1);
    expect(grown('maskwright_job_seconds_count', { outcome: 'done' })).toBe(1);
    expect(grown('maskwright_http_answer_seconds_count', { outcome: 'done' })).toBe(1);
    expect(grown('maskwright_http_requests_total', { route: '/generate', status: '200' })).toBe(1);
    expect(value(after, 'maskwright_http_open_jobs')).toBe(0);
  });

  it('tells refusals apart, and gives guessed paths no series of their own', async () => {
    const before = await scrape();
    const post = async (given: RequestInit) => (await fetch(`${service.url}/generate`, given)).status;
    const unsigned = { ...(await kettles()), headers: { 'content-type': 'application/json' } };
    expect(await post(unsigned)).toBe(401);
    expect(await post(await signedPost(jobOf({}), { secret: 'another secret of thirty-two characters' }))).toBe(401);
    expect(await post(await signedPost(jobOf({}), { now: Date.now() - 3_600_000 }))).toBe(401);
    const once = await kettles();
    expect([await post(once), await post(once)]).toEqual([200, 401]);
    expect(await post(await signedPost(jobOf({ model: 'no-such' })))).toBe(404);
    for (const guess of ['/admin', '/wp-login.php']) expect((await fetch(service.url + guess)).status).toBe(404);
    const after = await scrape();
    const grown = (name: string, labels = {}) => value(after, name, labels) - value(before, name, labels);
    for (const reason of ['missing', 'stale', 'wrong', 'replayed']) {
      expect([reason, grown('maskwright_http_signatures_refused_total', { reason })]).toEqual([reason, 1]);
    }
    expect(grown('maskwright_http_requests_refused_total', { code: 'bad_signature' })).toBe(4);
    expect(grown('maskwright_jobs_total', { outcome: 'refused', code: 'unknown_model' })).toBe(1);
    expect(grown('maskwright_http_answers_total', { code: 'unknown_model' })).toBe(1);
    expect(grown('maskwright_http_requests_total', { route: 'none', status: '404' })).toBe(2);
    const routes = after.get('maskwright_http_requests_total')?.samples.map(({ labels }) => labels.route);
    expect(new Set(routes)).toEqual(new Set(['/generate', '/metrics', 'none']));
  });
});

describe('metrics', () => {
  it('of two registries do not count together, and labels are kept apart', async () => {
    const families = { seen: { kind: 'counter', help: 'What was seen.', labels: { kind: ['a', 'b'] } } } as const;
    const [one, other] = [createMetrics(families), createMetrics(families)];
    one.add('seen', 2, { kind: 'a' });
    expect([one.value('seen'), one.value('seen', { kind: 'b' }), other.value('seen')]).toEqual([2, 0, 0]);
    const samples = parseExposition(await one.exposition()).get('maskwright_seen_total')?.samples;
    expect(samples?.map(({ labels, value }) => [labels.kind, value])).toEqual([
      ['a', 2],
      ['b', 0],
    ]);
  });
});

describe('engines that are one process', () => {
  it('are one exposition: counters and histograms summed, what cannot be summed as of the engine that has most', async () => {
    const [one, other] = [createCounters(), createCounters()];
    for (const [counters, texts, seconds] of [
      [one, 2, 30],
      [other, 3, 20],
    ] as const) {
      counters.add('texts_finished', texts);
      counters.add('jobs', 1, { outcome: 'done', code: `done "${texts}"` });
      counters.observe('step_seconds', seconds / 1_000);
      counters.read('texts_running', () => texts);
      counters.read('backlog_seconds', () => seconds);
      counters.read('engine_event_loop_delay_seconds', () => texts / 1_000);
    }
    const families = parseExposition(await togetherExposition([await one.snapshot(), await other.snapshot()]));
    expect(value(families, 'maskwright_texts_finished_total')).toBe(5);
    expect(value(families, 'maskwright_jobs_total', { outcome: 'done' })).toBe(2);
    expect(families.get('maskwright_jobs_total')?.samples.filter((sample) => sample.value > 0)).toHaveLength(2);
    expect(value(families, 'maskwright_step_seconds_count')).toBe(2);
    expect(value(families, 'maskwright_step_seconds_sum')).toBeCloseTo(0.05);
    expect(value(families, 'maskwright_step_seconds_bucket', { le: '0.025' })).toBe(1);
    expect(value(families, 'maskwright_texts_running')).toBe(5);
    expect(value(families, 'maskwright_backlog_seconds')).toBe(30);
    expect(value(families, 'maskwright_engine_event_loop_delay_seconds')).toBe(0.003);
  });

  it('is for one engine what it has counted', async () => {
    const counters = createCounters();
    counters.add('texts_finished', 2);
    expect(parseExposition(await togetherExposition([await counters.snapshot()]))).toEqual(
      parseExposition(await counters.exposition()),
    );
  });
});

describe('models that come and go', () => {
  it('are counted by what happened to them', async () => {
    const counters = createCounters();
    const changed = countModels(counters);
    for (const id of ['a', 'b']) {
      changed({ id, state: 'loading' });
      changed({ id, state: 'ready' });
    }
    changed({ id: 'a', state: 'unloaded' });
    changed({ id: 'c', state: 'loading' });
    changed({ id: 'c', state: 'unloaded', fault: 'no such file' });
    const families = parseExposition(await counters.exposition());
    expect(value(families, 'maskwright_models_loaded')).toBe(1);
    expect(value(families, 'maskwright_model_loads_total')).toBe(2);
    expect(value(families, 'maskwright_model_unloads_total', { model: 'a' })).toBe(1);
    expect(value(families, 'maskwright_model_load_failures_total', { model: 'c' })).toBe(1);
  });
});

describe('docs/observability.md', () => {
  const rows = tableRows('observability.md');

  it('has every metric of ours, with its kind and labels, in the words of its HELP', () => {
    const documented = rows.filter(([name]) => name.startsWith('`maskwright_'));
    const known = CATALOGUES.flatMap(([prefix, families]) =>
      Object.entries(families).map(([key, family]) => [
        metricName(key, family, prefix),
        family.kind,
        Object.keys(family.labels ?? {}),
        family.help,
      ]),
    );
    expect(documented.map(([name, kind, labels, help]) => [quoted(name)[0], kind, quoted(labels), help])).toEqual(
      known,
    );
  });

  it('says of every alert what to do', () => {
    const alerts = readFileSync(join(import.meta.dirname, '../../deploy/prometheus/alerts.yaml'), 'utf8');
    const named = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    const documented = rows.filter(([name]) => name.startsWith('`Maskwright'));
    expect(documented.map(([name]) => quoted(name)[0]).sort()).toEqual(named.sort());
  });
});
