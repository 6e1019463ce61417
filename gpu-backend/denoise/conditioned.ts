/**
 * What conditions the texts of one job, and what they are guided away from: tokenised once, however many texts there are.
 */
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import type { Manifest } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { type Conditioning, conditioningTokens } from './conditioning.ts';

export interface Conditioned {
  /** Conditioning tokens. */
  readonly prefix: Int32Array;
  /** Conditioning of the twin, where guidance is asked for and there is something to guide towards. */
  readonly basePrefix?: Int32Array;
  /** Guidance weight w; 0 where there is no twin. */
  readonly guidance: number;
}

/** @throws ProblemError unknown_style, invalid_request (guidance) */
export function condition(
  request: Conditioning & Pick<GenerationRequest, 'diffusion'>,
  manifest: Manifest,
  tokenizer: Tokenizer,
): Conditioned {
  const once = encodingOnce(tokenizer);
  const prefix = conditioningTokens(request, manifest, once);
  const { weight, base } = guidanceOf(request, manifest);
  if (weight === 0) return { prefix, guidance: 0 };
  const basePrefix = conditioningTokens(base, manifest, once);
  const differs = basePrefix.length !== prefix.length || basePrefix.some((token, i) => token !== prefix[i]);
  return differs ? { prefix, basePrefix, guidance: weight } : { prefix, guidance: 0 };
}

/** A tokenizer that encodes no text twice: a twin without the style has the same prompt. */
function encodingOnce(tokenizer: Tokenizer): Tokenizer {
  const encoded = new Map<string, Int32Array>();
  return {
    ...tokenizer,
    encode(text) {
      const tokens = encoded.get(text) ?? tokenizer.encode(text);
      encoded.set(text, tokens);
      return tokens;
    },
  };
}

/**
 * How strongly to guide, and the conditioning to guide away from: `diffusion.guidance` away from no conditioning at all,
 * `style.strength` away from the same request without its style.
 */
function guidanceOf(
  request: Conditioning & Pick<GenerationRequest, 'diffusion'>,
  manifest: Manifest,
): { weight: number; base: Conditioning } {
  const guidance = request.diffusion?.guidance;
  const strength = typeof request.style === 'object' ? request.style.strength : undefined;
  const pointer = guidance === undefined ? '/style/strength' : '/diffusion/guidance';
  if (guidance !== undefined && strength !== undefined) {
    throw problem('invalid_request', 'style.strength and diffusion.guidance are both given; one of them may be.', {
      pointer: '/style/strength',
    });
  }
  const weight = guidance ?? strength ?? 0;
  if (weight > 0 && !manifest.supports.guidance) {
    throw problem('invalid_request', `model ${manifest.id} was not trained for guidance; ${pointer} may only be 0.`, {
      pointer,
    });
  }
  return { weight, base: guidance === undefined ? { prompt: request.prompt, facts: request.facts } : {} };
}
