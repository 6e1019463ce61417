/**
 * Keys and values that leave the graph to be kept, or come into it from an earlier evaluation (canvas-cache.ts).
 */
import type { Architecture } from './architecture.ts';
import type { GraphBuilder, Value } from './onnx.ts';

/** Keys and values of a block, batch x length x (key heads * head width), keys rotated. */
export interface KeyValues {
  readonly keys: Value;
  readonly values: Value;
}

/** What a block's attention reads, of what this evaluation computed. */
export type KeyValueUse = (layer: number, own: KeyValues) => KeyValues;

/** Names of the graph's inputs or outputs for a block. */
export const keyValueNames = (layer: number): KeyValues => ({ keys: `keys_${layer}`, values: `values_${layer}` });

/** Reads what is computed and makes it outputs of the graph. */
export function keptKeyValues(graph: GraphBuilder, { keyHeads, headWidth }: Architecture): KeyValueUse {
  return (layer, own) => {
    const names = keyValueNames(layer);
    for (const part of ['keys', 'values'] as const) {
      const kept = graph.node('Identity', [own[part]], {}, names[part]);
      graph.output(kept, 'float32', ['batch', 'length', keyHeads * headWidth]);
    }
    return own;
  };
}

/**
 * Reads what is computed behind what comes in: the canvas of an earlier evaluation, then the window. Attention does not ask in which
 * order keys come, since they are rotated to their positions before; scores of cached keys that no longer hold are set to
 * nothing from outside.
 */
export function cachedKeyValues(graph: GraphBuilder, { keyHeads, headWidth }: Architecture): KeyValueUse {
  return (layer, own) => {
    const names = keyValueNames(layer);
    const join = (part: 'keys' | 'values') => {
      const cached = graph.input(names[part], 'float32', ['batch', 'canvas', keyHeads * headWidth]);
      return graph.node('Concat', [cached, own[part]], { axis: { int: 1 } });
    };
    return { keys: join('keys'), values: join('values') };
  };
}
