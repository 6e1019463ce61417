/**
 * A model for tests of the loop: a session whose rows are a fixed function of canvas and position, so that a row computed from a wrong
 * canvas, position or neighbour gives another result. Not a language model; end-to-end tests use trained ones.
 */

import type { EvaluationInput } from '../../gpu-backend/model/evaluation.ts';
import type { LoadedModel } from '../../gpu-backend/model/registry.ts';
import type { ModelSession } from '../../gpu-backend/model/session.ts';
import type { Tokenizer } from '../../gpu-backend/model/tokenizer.ts';
import type { Manifest } from '../../shared/contract/manifest.ts';

export const MASK = 0;
export const EOS = 1;
const SPECIALS = 8;
/** Specials, 256 single bytes, and tokens of several bytes. */
const WORDS = ['the ', 'and ', 'é', '🦊', 'Dear '];
export const VOCABULARY = SPECIALS + 256 + WORDS.length;

export const manifest: Manifest = {
  format: 1,
  id: 'tiny',
  title: 'Tiny',
  description: 'For tests',
  revision: '0000000000000000',
  architecture: 'hash',
  licence: 'apache-2.0',
  parameters: 0,
  tokens: { mask: MASK, eos: EOS, pad: EOS, prompt: 2, facts: 3, text: 4, style_none: 5 },
  styles: [
    { name: 'plain', token: 6, description: '' },
    { name: 'story', token: 7, description: '' },
  ],
  context: 128,
  shift: 0,
  supports: { editing: false, guidance: true },
  weights: [],
};

const encoder = new TextEncoder();
const tokenBytes = [
  ...Array.from({ length: SPECIALS }, () => new Uint8Array(0)),
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...WORDS.map((word) => encoder.encode(word)),
];

/** Bytes only: literal special names are ordinary text. */
export const tokenizer: Tokenizer = {
  size: VOCABULARY,
  encode: (text) => Int32Array.from(encoder.encode(text), (byte) => SPECIALS + byte),
  tokenBytes: (id) => tokenBytes[id] ?? new Uint8Array(0),
  isSpecial: (id) => id < SPECIALS,
};

function hash(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** Logits of one position: a hash of the canvas (without its padding) and the position. */
function logitsAt(canvas: Int32Array, position: number): Float64Array {
  const state = canvas.reduce((h, token) => hash(h, token), position + 1);
  return Float64Array.from({ length: VOCABULARY }, (_, token) => (hash(state, token) / 2 ** 32) * 6);
}

export interface RecordedSession extends ModelSession {
  /** Inputs so far, in order. */
  readonly calls: EvaluationInput[];
}

/** @param forbidden ids that get probability 0; the mask and specials but EOS by default, as the real session has it */
export function tinySession(onCall: (call: number) => Promise<void> = async () => {}): RecordedSession {
  const calls: EvaluationInput[] = [];
  /** What a window leaves out is taken from the cache, which of this model are the ids themselves. */
  const whole = (input: EvaluationInput, b: number): Int32Array => {
    const own = input.ids.slice(b * input.length, b * input.length + input.lengths[b]);
    const window = input.windows?.[b];
    if (window === undefined) return own;
    const ids = Int32Array.from(window.cache.blocks[0].keys.subarray(0, window.canvas));
    ids.set(own, window.first);
    return ids;
  };
  const rowsOf = (input: EvaluationInput, r: number) => {
    const canvas = (flat: number) => {
      const b = Math.floor(flat / input.length);
      return logitsAt(whole(input, b), (input.windows?.[b].first ?? 0) + (flat % input.length));
    };
    const own = canvas(input.rows[r]);
    if (input.baseRows === undefined) return own;
    const base = canvas(input.baseRows[r]);
    const w = input.guidance?.[r] ?? 0;
    return own.map((logit, token) => (1 + w) * logit - w * base[token]);
  };
  const logits = async (input: EvaluationInput) => {
    const all = new Float32Array(input.rows.length * VOCABULARY);
    for (let r = 0; r < input.rows.length; r++) all.set(rowsOf(input, r), r * VOCABULARY);
    return all;
  };
  const session: RecordedSession = {
    vocabulary: VOCABULARY,
    keepsCaches: true,
    calls,
    logits,
    async evaluateKeeping(input) {
      const caches = Array.from(input.lengths, (own, b) => {
        const keys = new Float32Array(input.length);
        keys.set(input.ids.subarray(b * input.length, b * input.length + own));
        return { length: input.length, blocks: [{ keys, values: new Float32Array(0) }] };
      });
      return { probabilities: await session.evaluate(input), caches };
    },
    async evaluate(input) {
      calls.push(input);
      await onCall(calls.length);
      const all = new Float32Array(input.rows.length * VOCABULARY);
      for (let r = 0; r < input.rows.length; r++) {
        const scaled = rowsOf(input, r).map((logit, token) =>
          token < SPECIALS && token !== EOS ? Number.NEGATIVE_INFINITY : logit * (input.inverseTemperature?.[r] ?? 1),
        );
        const top = scaled.reduce((a, b) => Math.max(a, b));
        const weights = scaled.map((value) => Math.exp(value - top));
        const sum = weights.reduce((a, b) => a + b);
        all.set(
          weights.map((weight) => weight / sum),
          r * VOCABULARY,
        );
      }
      input.into?.set(all);
      return input.into ?? all;
    },
    release: async () => {},
  };
  return session;
}

export function tinyModel(session: ModelSession = tinySession(), changes: Partial<Manifest> = {}): LoadedModel {
  const own = { ...manifest, ...changes };
  const { id, title, description, revision, licence, parameters, context, styles, supports } = own;
  const summary = { id, title, description, revision, licence, parameters, context, styles, supports };
  return { manifest: own, summary: { ...summary, longestTokenBytes: 5 }, tokenizer, session };
}
