/** Comparison of secrets, in a time that says nothing of where they differ. */
import type { SubtleCrypto as WorkersSubtleCrypto } from '@cloudflare/workers-types';
import { sha256 } from '../shared/contract/digest.ts';

/** Of workerd, not of the web platform. */
const subtle = crypto.subtle as SubtleCrypto & Pick<WorkersSubtleCrypto, 'timingSafeEqual'>;

/** Compares digests, so that not even the length of the secret shows. */
export async function equalSecrets(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([sha256(given), sha256(expected)]);
  return subtle.timingSafeEqual(a, b);
}
