/**
 * The canvas of one text as the model reads it: what conditions it (conditioned.ts), then the text positions, masked or not.
 */
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import type { Manifest } from '../../shared/contract/manifest.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { Conditioned } from './conditioned.ts';
import { MASKED } from './constraint.ts';
import { paddedLengthOf } from './padded-length.ts';

/** What stands before the text, for the text itself and for its unconditional twin, and how long the canvas is with it. */
export interface Layout extends Conditioned {
  /** Padded length of the canvas in a batch, decided by this request alone. */
  readonly paddedLength: number;
}

/**
 * Lays out the canvas of a text of that many positions.
 *
 * @throws ProblemError limit_exceeded: conditioning and text exceed the context
 */
export function layOut(
  conditioned: Conditioned,
  request: Pick<GenerationRequest, 'prompt'>,
  manifest: Manifest,
  positions: number,
): Layout {
  const { prefix } = conditioned;
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
  return { ...conditioned, paddedLength: Math.min(paddedLengthOf(length), manifest.context) };
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
