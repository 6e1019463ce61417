/**
 * The body of a request, no longer than allowed, whatever its headers say of it.
 */
import type { Context } from 'hono';
import { problem } from '../../shared/contract/problem.ts';

/** @throws ProblemError body_too_large; invalid_request where it breaks off */
export async function readBody(c: Context, most: number): Promise<Uint8Array> {
  const tooLarge = () => problem('body_too_large', `The body may have ${most} bytes.`, { pointer: '' });
  const said = c.req.header('content-length');
  if (Number(said ?? 0) > most) throw tooLarge();
  try {
    // A length that is said is kept to by HTTP itself.
    if (said !== undefined) return new Uint8Array(await c.req.arrayBuffer());
  } catch {
    throw brokeOff();
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = c.req.raw.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(() => {
      throw brokeOff();
    });
    if (done) break;
    length += value.byteLength;
    if (length > most) {
      void reader.cancel().catch(() => {});
      throw tooLarge();
    }
    parts.push(value);
  }
  return Buffer.concat(parts);
}

function brokeOff() {
  return problem('invalid_request', 'The body broke off before its end.', { pointer: '' });
}
