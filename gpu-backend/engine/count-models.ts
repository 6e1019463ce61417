/**
 * Models that come and go, as numbers.
 */
import type { ModelState } from '../model/pool.ts';
import type { Counters } from './counters.ts';

/** A listener that counts loads, unloads and failures, and knows how many models are open. */
export function countModels(counters: Counters): (state: ModelState) => void {
  const open = new Set<string>();
  const loading = new Set<string>();
  counters.read('models_loaded', () => open.size);
  return ({ id: model, state }) => {
    if (state === 'loading') loading.add(model);
    else if (state === 'ready' && !open.has(model)) {
      open.add(model);
      loading.delete(model);
      counters.add('model_loads', 1, { model });
    } else if (state === 'unloaded') {
      if (open.delete(model)) counters.add('model_unloads', 1, { model });
      else if (loading.delete(model)) counters.add('model_load_failures', 1, { model });
    }
  };
}
