/**
 * How much memory a value holds on to: what caches of things that differ a thousandfold in size are bounded by.
 */

// What V8 takes for a number in an array or a field, and for an object itself; both roughly.
const SLOT = 8;
const HEADER = 32;

/**
 * Bytes that can be reached from a value, each counted once: exact for typed arrays, which is where the mass is, near enough for the
 * rest. What closures hold is not seen.
 *
 * @param shared what others hold on to anyway is not counted, nor what is reached through it
 */
export function footprint(root: object, shared: readonly object[] = []): number {
  const seen = new Set<unknown>(shared);
  const open: unknown[] = [root];
  let bytes = 0;
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') bytes += value.length;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    bytes += HEADER;
    if (ArrayBuffer.isView(value)) {
      open.push(value.buffer);
    } else if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
      bytes += value.byteLength;
    } else {
      const parts =
        value instanceof Map
          ? [...value.keys(), ...value.values()]
          : value instanceof Set
            ? [...value]
            : Object.values(value);
      bytes += SLOT * parts.length;
      for (const part of parts) if (typeof part === 'object' || typeof part === 'string') open.push(part);
    }
  }
  return bytes;
}
