/**
 * Runs one product on the GPU and compares it: what `npm run gpu:setup` starts in a process of its own.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { executionProviders, onDevice } from '../../gpu-backend/model/device.ts';
import { graphBuilder } from '../../gpu-backend/model/onnx.ts';

const SIZE = 64;

const graph = graphBuilder();
const x = graph.input('x', 'float32', [SIZE, SIZE]);
graph.output(graph.node('MatMul', [x, x], {}, 'y'), 'float32', [SIZE, SIZE]);
const identity = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % (SIZE + 1) === 0 ? 2 : 0));

const result = await onDevice('cuda', async () => {
  const session = await InferenceSession.create(graph.encode(), { executionProviders: executionProviders('cuda') });
  return session.run({ x: new Tensor('float32', identity, [SIZE, SIZE]) });
}).catch((reason: unknown) => {
  console.error(reason instanceof Error ? reason.message : reason);
  process.exit(1);
});
if (Number(result.y.data[0]) !== 4) {
  console.error(`the GPU multiplied 2 by 2 and got ${String(result.y.data[0])}`);
  process.exit(1);
}
