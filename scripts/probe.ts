/**
 * `node scripts/probe.ts < questions`: what model folders compute, for other implementations to be compared with.
 *
 * One JSON object a line in, one a line out:
 * - `{"folder", "precision", "canvases": [[id, ...], ...]}`: all logits of the canvases, run as one padded batch
 * - `{"folder", "texts": ["...", ...]}`: the token ids of each text
 * - `{"folder", "chat": [{"role", "content"}, ...]}`: the token ids of a conversation in the model's own chat template
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { openSession } from '../gpu-backend/model/session.ts';
import { readTokenizer } from '../gpu-backend/model/tokenizer.ts';

const questionSchema = v.union([
  v.object({
    folder: v.string(),
    precision: v.picklist(['float32', 'int8', 'int4']),
    canvases: v.array(v.array(v.number())),
  }),
  v.object({ folder: v.string(), texts: v.array(v.string()) }),
  v.object({
    folder: v.string(),
    chat: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  }),
]);
type Question = v.InferOutput<typeof questionSchema>;

/** Logits by canvas and position; padding is filled with token 1. */
async function logits({
  folder,
  precision,
  canvases,
}: Extract<Question, { canvases: unknown }>): Promise<number[][][]> {
  const cacheFolder = join(tmpdir(), 'maskwright-probe');
  const session = await openSession(folder, { device: 'cpu', precision, threads: 1, cacheFolder });
  const length = Math.max(...canvases.map((canvas) => canvas.length));
  const ids = new Int32Array(canvases.length * length).fill(1);
  for (const [i, canvas] of canvases.entries()) ids.set(canvas, i * length);
  const rows = canvases.flatMap((canvas, i) => canvas.map((_, position) => i * length + position));
  const values = await session.logits({
    ...{ batch: canvases.length, length, ids },
    lengths: Int32Array.from(canvases, (canvas) => canvas.length),
    rows: Int32Array.from(rows),
  });
  await session.release();
  let row = 0;
  return canvases.map((canvas) =>
    canvas.map(() => Array.from(values.subarray(row * session.vocabulary, ++row * session.vocabulary))),
  );
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = v.parse(questionSchema, JSON.parse(line));
  if ('canvases' in question) console.log(JSON.stringify(await logits(question)));
  else {
    const tokenizer = await readTokenizer(question.folder);
    const ids = 'chat' in question ? tokenizer.chat?.(question.chat) : question.texts.map(tokenizer.encode);
    console.log(JSON.stringify(ids, (_, value: unknown) => (value instanceof Int32Array ? [...value] : value)));
  }
}
