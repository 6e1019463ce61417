/**
 * The norms: root mean square (Zhang & Sennrich 2019) or layer norm (Ba et al. 2016), both with a gain and no bias.
 */
import type { Architecture } from './architecture.ts';
import type { GraphBuilder, Value } from './onnx.ts';

/** Normalises the last axis of `x`. `gain` has as many entries as that axis. */
export function normalise(graph: GraphBuilder, shape: Architecture, x: Value, gain: Value): Value {
  const operator = shape.norm === 'rms' ? 'SimplifiedLayerNormalization' : 'LayerNormalization';
  return graph.node(operator, [x, gain], { epsilon: { float: shape.epsilon }, axis: { int: -1 } });
}

/** residual + contribution, and its norm, in one operator. */
export function addAndNormalise(
  graph: GraphBuilder,
  shape: Architecture,
  residual: Value,
  contribution: Value,
  gain: Value,
): { readonly normalised: Value; readonly residual: Value } {
  const operator = shape.norm === 'rms' ? 'SkipSimplifiedLayerNormalization' : 'SkipLayerNormalization';
  const attributes = { epsilon: { float: shape.epsilon } };
  const [normalised, , , sum] = graph.nodes(operator, [residual, contribution, gain], 4, attributes, [1, 2]);
  return { normalised, residual: sum };
}
