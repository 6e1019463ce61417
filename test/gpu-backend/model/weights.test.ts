/** Files of a model folder: safetensors headers, config.json, shapes, the int8 form. */
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseArchitecture } from '../../../gpu-backend/model/config.ts';
import { allProducts } from '../../../gpu-backend/model/products.ts';
import { quantiseColumns, quantisedWeights } from '../../../gpu-backend/model/quantise.ts';
import { readSafetensorsHeader, readWeights, writeSafetensors } from '../../../gpu-backend/model/safetensors.ts';
import { checkWeights } from '../../../gpu-backend/model/shapes.ts';
import { readTensor, toFloat32 } from '../../../gpu-backend/model/tensor-data.ts';
import { lladaConfig, type RandomModel, writeRandomModel } from './random-model.ts';

let folder: string;
let model: RandomModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskwright-weights-'));
  model = await writeRandomModel(join(folder, 'model'), lladaConfig(), 1);
});
afterAll(() => rm(folder, { recursive: true }));

describe('safetensors', () => {
  it('give back what was written, tensor by tensor', async () => {
    const data = { a: Uint8Array.of(1, 2, 3, 4, 5, 6), b: new Uint8Array(Float32Array.of(1.5, -2).buffer) };
    await writeSafetensors(join(folder, 'two.safetensors'), [
      { name: 'a', type: 'uint8', shape: [2, 3], data: async () => data.a },
      { name: 'b', type: 'float32', shape: [2], data: async () => data.b },
    ]);
    const header = await readSafetensorsHeader(folder, 'two.safetensors');
    expect([...header.keys()]).toEqual(['a', 'b']);
    expect(header.get('a')).toMatchObject({ type: 'uint8', shape: [2, 3], bytes: 6 });
    expect(await readTensor(folder, header.get('a')!)).toEqual(data.a);
    expect(await readTensor(folder, header.get('b')!)).toEqual(data.b);
  });

  function file(header: string, data = 8, length = Buffer.byteLength(header)): Buffer {
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(length));
    return Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(data)]);
  }
  const entry = (change: object) =>
    JSON.stringify({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...change } });

  it.each<[string, Buffer, RegExp]>([
    ['shorter than its prefix', Buffer.from('abc'), /not a safetensors file/],
    ['with a header longer than the file', file('{}', 0, 1000), /not a safetensors file/],
    ['with a header that is no JSON', file('{"x"'), /JSON/],
    ['with an unknown type', file(entry({ dtype: 'F8' })), /tensor x has type F8; readable are F32/],
    ['with a shape that is none', file(entry({ shape: [-2] })), /tensor x has no valid shape/],
    ['with offsets that are none', file(entry({ data_offsets: [0] })), /tensor x has no valid offsets/],
    ['with offsets against the shape', file(entry({ shape: [3] })), /takes 8 bytes; its shape and type need 12/],
    ['cut short', file(entry({}), 7), /tensor x ends at byte/],
  ])('%s are refused', async (_, content, message) => {
    await writeFile(join(folder, 'bad.safetensors'), content);
    await expect(readSafetensorsHeader(folder, 'bad.safetensors')).rejects.toThrow(message);
  });
});

describe('config.json', () => {
  it('of LLaDA-8B is read', () => {
    const config = {
      ...lladaConfig({ d_model: 4096, n_heads: 32, n_kv_heads: 32, n_layers: 32, mlp_hidden_size: 12288 }),
      ...{
        vocab_size: 126464,
        embedding_size: 126464,
        max_sequence_length: 4096,
        rope_theta: 500000,
        weight_tying: false,
      },
      ...{
        mask_token_id: 126336,
        eos_token_id: 126081,
        mlp_ratio: 4,
        attention_dropout: 0,
        layer_norm_with_affine: true,
      },
    };
    expect(parseArchitecture(config)).toMatchObject({ headWidth: 128, layers: 32, hidden: 12288, tied: false });
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['another model', { model_type: 'gpt2' }, /model_type is "gpt2".*Supported by model_type: "llada"/],
    ['another norm', { layer_norm_type: 'default' }, /layer_norm_type/],
    ['biases', { include_bias: true }, /include_bias/],
    ['an odd head', { d_model: 63 }, /d_model 63 is no even multiple of n_heads 2/],
    ['key heads that do not divide', { n_heads: 4, n_kv_heads: 3 }, /n_heads 4 is no multiple of n_kv_heads 3/],
    ['a table that is too small', { embedding_size: 290 }, /embedding_size 290 is below vocab_size 300/],
    ['a mask outside the vocabulary', { mask_token_id: 300 }, /mask_token_id 300 is outside/],
    ['a missing field', { n_layers: undefined }, /n_layers/],
  ])('with %s is refused by name', (_, change, message) => {
    expect(() => parseArchitecture(lladaConfig(change))).toThrow(message);
  });
});

describe('weights', () => {
  it('that do not fit config.json are refused, each by name', async () => {
    const weights = await readWeights(model.folder);
    expect(() => checkWeights(model.architecture, weights)).not.toThrow();
    const more = parseArchitecture(lladaConfig({ n_layers: 3 }));
    expect(() => checkWeights(more, weights)).toThrow(/blocks\.2\.attn_norm\.weight is missing/);
    const wider = parseArchitecture(lladaConfig({ mlp_hidden_size: 100 }));
    expect(() => checkWeights(wider, weights)).toThrow(/ff_proj\.weight is 96 x 64, config\.json makes it 100 x 64/);
  });

  it('of half precision are widened exactly', () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555);
    const values = [1, -2, 2 ** -24, 65504, -0, 0.333251953125];
    expect([...toFloat32(new Uint8Array(halves.buffer), 'float16')]).toEqual(values);
    const brain = Uint16Array.of(0x3f80, 0xc040);
    expect([...toFloat32(new Uint8Array(brain.buffer), 'bfloat16')]).toEqual([1, -3]);
  });
});

describe('the int8 form', () => {
  it('is within half a step of every weight', () => {
    const matrices = fc
      .record({ from: fc.integer({ min: 1, max: 9 }), to: fc.integer({ min: 1, max: 9 }) })
      .chain((size) =>
        fc.record({
          size: fc.constant(size),
          values: fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
            minLength: size.from * size.to,
            maxLength: size.from * size.to,
          }),
        }),
      );
    fc.assert(
      fc.property(matrices, ({ size: { from, to }, values }) => {
        const weight = Float32Array.from(values);
        const { bytes, scales } = quantiseColumns(weight, from, to);
        for (let column = 0; column < to; column++) {
          for (let i = 0; i < from; i++) {
            const error = Math.abs(bytes[i * to + column] * scales[column] - weight[column * from + i]);
            expect(error).toBeLessThanOrEqual(scales[column] * 0.501 + 1e-30);
          }
        }
      }),
    );
  });

  it('is written once, whole, and again only for other weights', async () => {
    const cache = join(folder, 'cache');
    const weights = await readWeights(model.folder);
    const make = () => quantisedWeights(model.folder, model.architecture, weights, cache);
    const first = await make();
    const int8Files = async () => (await readdir(cache)).filter((file) => file.startsWith('int8-'));
    const [file] = await int8Files();
    const written = await stat(join(cache, file));
    expect((await Promise.all([make(), make()])).map((form) => [...form.weights])).toEqual(
      Array(2).fill([...first.weights]),
    );
    expect((await stat(join(cache, file))).mtimeMs).toBe(written.mtimeMs);
    for (const product of allProducts(model.architecture)) {
      expect(first.weights.get(`${product.name}.int8`)).toMatchObject({ shape: [product.from, product.to] });
    }

    const path = join(model.folder, 'model.safetensors');
    const content = await readFile(path);
    content[content.length - 1] ^= 1;
    await writeFile(path, content);
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    await make();
    expect((await int8Files()).length).toBe(2);
    expect((await readdir(cache)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('of weights that are not finite is refused and leaves nothing behind', async () => {
    const config = lladaConfig({ n_layers: 1 });
    const broken = await writeRandomModel(join(folder, 'broken'), config, 4);
    const path = join(broken.folder, 'model.safetensors');
    const content = await readFile(path);
    const place = (await readWeights(broken.folder)).get('model.transformer.blocks.0.q_proj.weight')!;
    content.writeFloatLE(Number.NaN, place.offset);
    await writeFile(path, content);
    const cache = join(folder, 'broken-cache');
    const weights = await readWeights(broken.folder);
    await expect(quantisedWeights(broken.folder, broken.architecture, weights, cache)).rejects.toThrow(/not a finite/);
    expect((await readdir(cache)).filter((name) => name.startsWith('int8-'))).toEqual([]);
  });
});
