/**
 * Keys and values of one canvas, as every block's attention reads them (Fast-dLLM, Wu et al., arXiv 2505.22618, section 3.2): what lies
 * outside the positions that change need not be computed again at every step, though strictly it moves a little.
 */
export interface CanvasCache {
  /** Positions, padding included. */
  readonly length: number;
  /** Of each block of the model, the first one first: length x (key heads * head width), keys rotated to their positions. */
  readonly blocks: readonly { readonly keys: Float32Array; readonly values: Float32Array }[];
}

/** The part of a canvas that is evaluated anew. */
export interface CanvasWindow {
  /** Position of the canvas at which it begins. */
  readonly first: number;
  /** Positions of the canvas, padding not included. */
  readonly canvas: number;
  /** Keys and values of the canvas from an earlier evaluation; those of the window's own positions are not read. */
  readonly cache: CanvasCache;
}
