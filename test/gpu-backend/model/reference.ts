/**
 * LLaDA's forward pass, plain and slow, in float64: what the graph is compared with.
 */
import type { Architecture } from '../../../gpu-backend/model/config.ts';

type Tensors = ReadonlyMap<string, ArrayLike<number>>;

/** y = W x, W out x in. */
function times(weight: ArrayLike<number>, x: readonly number[]): number[] {
  const y: number[] = [];
  for (let out = 0; out < weight.length / x.length; out++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += weight[out * x.length + i] * x[i];
    y.push(sum);
  }
  return y;
}

function normalise(x: readonly number[], gain: ArrayLike<number>, epsilon: number): number[] {
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  return x.map((value, i) => (value / Math.sqrt(meanSquare + epsilon)) * gain[i]);
}

/** Rotates each head's pairs (i, i + half) by position * theta^(-i / half). */
function rotate(x: readonly number[], position: number, { headWidth, ropeTheta }: Architecture): number[] {
  const half = headWidth / 2;
  return x.map((value, index) => {
    const i = index % headWidth;
    const angle = position * ropeTheta ** (-(i % half) / half);
    const partner = i < half ? -x[index + half] : x[index - half];
    return value * Math.cos(angle) + partner * Math.sin(angle);
  });
}

function attend(q: number[][], k: number[][], v: number[][], shape: Architecture): number[][] {
  const { heads, keyHeads, headWidth } = shape;
  return q.map((query) => {
    const mixed: number[] = [];
    for (let head = 0; head < heads; head++) {
      const part = (x: readonly number[], index: number) => x.slice(index * headWidth, (index + 1) * headWidth);
      const shared = Math.floor((head * keyHeads) / heads);
      const scores = k.map((key) => times(part(key, shared), part(query, head))[0] / Math.sqrt(headWidth));
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let i = 0; i < headWidth; i++) {
        mixed.push(weights.reduce((sum, weight, j) => sum + (weight / total) * v[j][shared * headWidth + i], 0));
      }
    }
    return mixed;
  });
}

const add = (x: readonly number[], y: readonly number[]) => x.map((value, i) => value + y[i]);

/** Normalised last hidden states of one canvas without padding: length x width. */
export function referenceHidden(shape: Architecture, tensors: Tensors, ids: readonly number[]): number[][] {
  const tensor = (name: string) => tensors.get(`model.transformer.${name}.weight`)!;
  const embedding = tensor('wte');
  let residual = ids.map((id) => Array.from({ length: shape.width }, (_, i) => embedding[id * shape.width + i]));
  for (let layer = 0; layer < shape.layers; layer++) {
    const block = (name: string) => tensor(`blocks.${layer}.${name}`);
    const normed = residual.map((x) => normalise(x, block('attn_norm'), shape.epsilon));
    const q = normed.map((x, position) => rotate(times(block('q_proj'), x), position, shape));
    const k = normed.map((x, position) => rotate(times(block('k_proj'), x), position, shape));
    const v = normed.map((x) => times(block('v_proj'), x));
    const mixed = attend(q, k, v, shape);
    residual = residual.map((x, i) => add(x, times(block('attn_out'), mixed[i])));
    residual = residual.map((x) => {
      const inner = normalise(x, block('ff_norm'), shape.epsilon);
      const up = times(block('up_proj'), inner);
      const gated = times(block('ff_proj'), inner).map((gate, i) => (gate / (1 + Math.exp(-gate))) * up[i]);
      return add(x, times(block('ff_out'), gated));
    });
  }
  return residual.map((x) => normalise(x, tensor('ln_f'), shape.epsilon));
}

/** Raw logits of a hidden state. */
export function referenceLogits(shape: Architecture, tensors: Tensors, hidden: readonly number[]): number[] {
  return times(tensors.get(`model.transformer.${shape.tied ? 'wte' : 'ff_out'}.weight`)!, hidden);
}
