/**
 * Memory for values that are used before any other text has its turn: one buffer that grows, instead of a new array of megabytes at
 * every step, which the garbage collector would leave lying for a while.
 */

/** Makes a scratch; each call of it gives the same memory again. */
export function createScratch(): (size: number) => Float32Array {
  let buffer = new Float32Array(0);
  return (size) => {
    if (buffer.length < size) buffer = new Float32Array(size);
    return buffer.subarray(0, size);
  };
}
