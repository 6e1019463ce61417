/**
 * config.json of a model folder -> the architecture the graph is built from: a table of families, one file each.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Architecture } from './architecture.ts';
import { ConfigError } from './architectures/fields.ts';
import { llada } from './architectures/llada.ts';
import { modernbert } from './architectures/modernbert.ts';
import { dream, qwen2, qwen3 } from './architectures/qwen.ts';

export type { Architecture } from './architecture.ts';

interface Family {
  /** `model_type` of config.json, in lower case. */
  readonly types: readonly string[];
  readonly title: string;
  /** Positions by which a checkpoint's logits are shifted against their token, unless its manifest says otherwise. */
  readonly shift: 0 | 1;
  parse(config: unknown): Architecture;
}

const FAMILIES: readonly Family[] = [
  { types: ['llada'], title: 'LLaDA 8B, 8B Instruct and 1.5 (block_type "llama")', shift: 0, parse: llada },
  { types: ['dream'], title: 'Dream 7B, DiffuCoder', shift: 1, parse: dream },
  { types: ['a2d-qwen2'], title: 'diffusion conversions of Qwen2', shift: 0, parse: qwen2 },
  { types: ['a2d-qwen3'], title: 'diffusion conversions of Qwen3', shift: 0, parse: qwen3 },
  { types: ['modernbert'], title: 'ModernBERT and diffusion models made of it', shift: 0, parse: modernbert },
];

/** What a folder must be; said whenever one is refused. */
export const SUPPORTED = `Supported by model_type: ${FAMILIES.map(({ types, title }) => `${types.map((type) => `"${type}"`).join(', ')} (${title})`).join('; ')}.`;

function familyOf(config: unknown): Family {
  const type = v.parse(
    v.fallback(v.looseObject({ model_type: v.unknown() }), { model_type: undefined }),
    config,
  ).model_type;
  const family = FAMILIES.find(({ types }) => typeof type === 'string' && types.includes(type.toLowerCase()));
  if (family === undefined) throw new Error(`config.json: model_type is ${JSON.stringify(type)}. ${SUPPORTED}`);
  return family;
}

/**
 * Reads the architecture out of a parsed config.json.
 * @throws Error naming each field that does not fit, and what is supported.
 */
export function parseArchitecture(config: unknown): Architecture {
  const family = familyOf(config);
  try {
    return family.parse(config);
  } catch (reason) {
    if (!(reason instanceof ConfigError)) throw reason;
    throw new Error(`config.json (${family.title}): ${reason.message}. ${SUPPORTED}`);
  }
}

/** The shift of the family that a parsed config.json belongs to. @throws Error where none is supported */
export function usualShift(config: unknown): 0 | 1 {
  return familyOf(config).shift;
}

/** Reads and parses `folder/config.json`. */
export async function readArchitecture(folder: string): Promise<Architecture> {
  return parseArchitecture(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')));
}
