/** Which models there are, as the inference service says; remembered for a minute in the memory of the isolate. */
import type { ModelSummary } from '../shared/contract/manifest.ts';
import { suggestion } from '../shared/contract/nearest.ts';
import { problem } from '../shared/contract/problem.ts';
import { backendFailed, backendsOf, backendUnavailable, callBackend } from './backend.ts';
import type { Env } from './env.ts';

const REMEMBER_MS = 60_000;
/** The service answers this from memory; slower than this is as good as down. */
const TIMEOUT_MS = 5_000;

interface Remembered {
  readonly models: readonly ModelSummary[];
  readonly until: number;
}

// Values only, never promises: a Worker must not await what another request started.
const remembered = new Map<string, Remembered>();

/**
 * The models of the inference service, the default one first.
 * @throws ProblemError `backend_unavailable` or `backend_failed`.
 */
export async function readModels(env: Env): Promise<readonly ModelSummary[]> {
  const known = remembered.get(env.BACKEND_URL);
  if (known !== undefined && Date.now() < known.until) return known.models;
  const response = await callBackend(env, backendsOf(env)[0], '/models', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const models = (await response.json().catch(() => undefined)) as readonly ModelSummary[] | undefined;
  if (!Array.isArray(models)) throw backendFailed('its list of models cannot be read');
  if (models.length === 0) throw backendUnavailable();
  remembered.set(env.BACKEND_URL, { models, until: Date.now() + REMEMBER_MS });
  return models;
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
