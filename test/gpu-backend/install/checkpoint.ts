/** A small random LLaDA checkpoint as its makers would publish it: shards, tokenizer, chat template, model card. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensorsHeader, writeSafetensors } from '../../../gpu-backend/model/safetensors.ts';
import { readTensor } from '../../../gpu-backend/model/tensor-data.ts';
import { lladaConfig, writeRandomModel } from '../model/random-model.ts';
import { learnTokenizer } from '../model/small-tokenizer.ts';

const tokenizer = learnTokenizer(['a text for a test, a short text for a short test'], 30);
export const VOCABULARY = tokenizer.size + 3;

export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|prompt|>' + message['content'] + '<|eos|>' }}{% endfor %}{% if add_generation_prompt %}<|text|>{% endif %}";

/** Writes the checkpoint, its weights in this type. */
export async function writeCheckpoint(folder: string, type: 'bfloat16' | 'float32' = 'bfloat16'): Promise<void> {
  const config = lladaConfig({
    ...{ vocab_size: VOCABULARY, embedding_size: VOCABULARY, weight_tying: false, n_heads: 4, n_kv_heads: 2 },
  });
  await mkdir(folder, { recursive: true });
  await writeRandomModel(folder, config, 41, type);
  const all = [...(await readSafetensorsHeader(folder, 'model.safetensors'))];
  for (const shard of [0, 1]) {
    const part = all.filter((_, i) => i % 2 === shard);
    await writeSafetensors(
      join(folder, `model-0000${shard + 1}-of-00002.safetensors`),
      part.map(([name, tensor]) => ({
        ...{ name, type: tensor.type, shape: tensor.shape },
        data: () => readTensor(folder, tensor),
      })),
    );
  }
  await rm(join(folder, 'model.safetensors'));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer.json));
  const named = { eos_token: '<|eos|>', mask_token: '<|mask|>', chat_template: CHAT_TEMPLATE };
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(named));
  await writeFile(join(folder, 'README.md'), '---\nlicense: mit\ntags: [text-diffusion]\n---\n# Random\n');
}

/** The files of a folder by name. */
export async function filesOf(folder: string): Promise<Record<string, Buffer>> {
  const names = await readdir(folder);
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return Object.fromEntries(names.map((name, i) => [name, contents[i]]));
}
