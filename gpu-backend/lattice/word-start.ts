/**
 * Which tokens would continue a word: what may not stand right behind a phrase that must be a whole word.
 */
import { holdsWord } from '../../shared/constraints/units.ts';
import type { Vocabulary } from './vocabulary.ts';

/** 1 for tokens that begin with a word character, or with part of a character (which might be one); 0 for all others. */
export function startsWithWord(vocabulary: Vocabulary): Uint8Array {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return Uint8Array.from(vocabulary.bytes, (bytes) => {
    if (bytes.length === 0) return 0;
    const text = decoder.decode(bytes);
    const [first = ''] = text;
    return holdsWord(first) || first === '\ufffd' ? 1 : 0;
  });
}
