/**
 * Which models there are and which inference services have them, as these say; remembered for a minute in the memory of the isolate.
 *
 * A model is one revision at a time, or the same request would not give the same bytes: where services have different ones, that of the
 * first listed in BACKEND_URL whose circuit is not open, and requests go only to services with the same.
 */
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { suggestion } from '../../shared/contract/nearest.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Env } from '../env.ts';
import { log } from '../watching/log.ts';
import { type Backend, backendFailed, backendsOf, backendUnavailable, callBackend } from './backend.ts';
import { circuitOf } from './health.ts';

const REMEMBER_MS = 60_000;
/** A service that did not say is asked again, or while it is asked, after this. */
const AGAIN_MS = 5_000;
/** The service answers this from memory; slower than this is as good as down. */
const TIMEOUT_MS = 5_000;

interface Remembered {
  readonly models: readonly ModelSummary[];
  readonly until: number;
}

// By the service's URL. Values only, never promises: a Worker must not await what another request started.
const remembered = new Map<string, Remembered>();

/**
 * The models of all services, the default one first.
 * @throws ProblemError `backend_unavailable` or `backend_failed`.
 */
export async function readModels(env: Env): Promise<readonly ModelSummary[]> {
  const backends = backendsOf(env);
  const now = Date.now();
  const due = backends.filter(({ url }) => now >= (remembered.get(url)?.until ?? 0));
  // What one has said a minute ago is good enough while it is asked again, as long as others can be asked.
  const old = due.filter(({ url }) => backends.length > 1 && remembered.has(url));
  for (const backend of old) {
    remembered.set(backend.url, { models: listOf(backend), until: now + AGAIN_MS });
    void refresh(env, backend).catch(() => {});
  }
  const failures = await Promise.all(
    due
      .filter((backend) => !old.includes(backend))
      .map((backend) =>
        refresh(env, backend).then(
          () => [],
          (why) => [why],
        ),
      ),
  );
  const models = union(backends);
  if (models.length > 0) return models;
  throw failures.flat()[0] ?? backendUnavailable();
}

async function refresh(env: Env, backend: Backend): Promise<void> {
  try {
    const response = await callBackend(env, backend, '/models', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const models = (await response.json().catch(() => undefined)) as readonly ModelSummary[] | undefined;
    if (!Array.isArray(models)) throw backendFailed('its list of models cannot be read');
    if (models.length === 0) throw backendUnavailable();
    remembered.set(backend.url, { models, until: Date.now() + REMEMBER_MS });
    const used = union(backendsOf(env));
    for (const { id, revision } of models) {
      const other = used.find((model) => model.id === id)?.revision;
      if (other !== revision) {
        log('warn', 'services have a model in different revisions', { model: id, used: other, backend: backend.url });
      }
    }
  } catch (error) {
    const several = backendsOf(env).length > 1;
    if (several) remembered.set(backend.url, { models: listOf(backend), until: Date.now() + AGAIN_MS });
    else remembered.delete(backend.url);
    throw error;
  }
}

const listOf = ({ url }: Backend): readonly ModelSummary[] => remembered.get(url)?.models ?? [];

/** Each model once, in the order the services list them. */
function union(backends: readonly Backend[]): ModelSummary[] {
  const now = Date.now();
  const models = new Map(backends.flatMap(listOf).map((model) => [model.id, undefined as ModelSummary | undefined]));
  const open = (backend: Backend) => circuitOf(backend.health, now) !== 'closed';
  for (const model of [...backends].sort((a, b) => Number(open(a)) - Number(open(b))).flatMap(listOf)) {
    if (models.get(model.id) === undefined) models.set(model.id, model);
  }
  return [...models.values()] as ModelSummary[];
}

/** The services that have a model in the revision that is used; all of them where none is known to have it. */
export function servicesWith(env: Env, id: string): readonly Backend[] {
  const backends = backendsOf(env);
  const used = union(backends).find((model) => model.id === id);
  if (used === undefined) return backends;
  return backends.filter((backend) => listOf(backend).some((one) => one.id === id && one.revision === used.revision));
}

/** A service had not the model it was said to have: what it has is asked again. */
export function forgetModels({ url }: Backend): void {
  remembered.delete(url);
}

/**
 * The model of this name, or the default one where none is named.
 * @throws ProblemError `unknown_model`.
 */
export function findModel(models: readonly ModelSummary[], id: string | undefined): ModelSummary {
  if (id === undefined) return models[0];
  const found = models.find((model) => model.id === id);
  if (found !== undefined) return found;
  const ids = models.map((model) => model.id);
  const hint = suggestion(id, ids) || `; there is ${ids.join(', ')}.`;
  throw problem('unknown_model', `There is no model ${JSON.stringify(id.slice(0, 80))}${hint}`, { pointer: '/model' });
}
