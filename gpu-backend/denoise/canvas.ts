/**
 * The canvas of one text as the model reads it: what conditions it (conditioning.ts), then the text positions, masked or not.
 */
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import type { Manifest } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { type Conditioning, conditioningTokens } from './conditioning.ts';
import { MASKED } from './constraint.ts';

/** What stands before the text, for the text itself and for its unconditional twin. */
export interface Layout {
  /** Conditioning tokens. */
  readonly prefix: Int32Array;
  /** Conditioning of the twin, where guidance is asked for and there is something to guide towards. */
  readonly basePrefix?: Int32Array;
  /** Guidance weight w; 0 where there is no twin. */
  readonly guidance: number;
  /** Padded length of the canvas in a batch, decided by this request alone. */
  readonly paddedLength: number;
}

// Padding to few lengths lets canvases share a batch. It must not depend on who shares it: another padded length may
// round sums differently, and a result must not depend on its neighbours.
const PADDING = 16;

/**
 * Lays out the canvas of a text of that many positions.
 *
 * @throws ProblemError unknown_style, invalid_request (guidance), limit_exceeded (conditioning and text exceed the context)
 */
export function layOut(
  request: Conditioning & Pick<GenerationRequest, 'diffusion'>,
  manifest: Manifest,
  tokenizer: Tokenizer,
  positions: number,
): Layout {
  const prefix = conditioningTokens(request, manifest, tokenizer);
  const length = prefix.length + positions;
  if (length > manifest.context) {
    const before = prefix.length === 2 ? 'the style' : 'style, prompt and facts';
    throw problem(
      'limit_exceeded',
      `${before} take ${prefix.length} positions and the text ${positions}: together ${length}, and model ${manifest.id} has ${manifest.context}.`,
      {
        pointer: request.prompt === undefined ? '' : '/prompt',
        achievable: `at most ${Math.max(manifest.context - prefix.length, 0)} positions are left for the text`,
      },
    );
  }
  const paddedLength = Math.min(Math.ceil(length / PADDING) * PADDING, manifest.context);
  const { weight, base } = guidanceOf(request, manifest);
  const basePrefix = conditioningTokens(base, manifest, tokenizer);
  const differs = basePrefix.length !== prefix.length || basePrefix.some((token, i) => token !== prefix[i]);
  return weight > 0 && differs
    ? { prefix, basePrefix, guidance: weight, paddedLength }
    : { prefix, guidance: 0, paddedLength };
}

/** The whole canvas: conditioning, then the text with the mask token where nothing stands yet. */
export function canvasTokens(prefix: Int32Array, text: Int32Array, mask: number): Int32Array {
  const ids = new Int32Array(prefix.length + text.length);
  ids.set(prefix);
  text.forEach((token, position) => {
    ids[prefix.length + position] = token === MASKED ? mask : token;
  });
  return ids;
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
