/**
 * A vocabulary as a flat byte trie: what a byte automaton is lifted through.
 *
 * Nodes stand in depth-first order, so a subtree is the range node..end[node] and a walk that dies skips it in one jump
 * (the layout of llguidance's toktrie).
 */

export interface Vocabulary {
  /** Number of token ids; special tokens are ids without bytes and stand at no node. */
  readonly size: number;
  readonly eos: number;
  /** The bytes of each token; empty for special tokens. */
  readonly bytes: readonly Uint8Array[];
  /** Byte on the edge into each node; node 0 is the root. */
  readonly nodeByte: Uint8Array;
  /** First node behind each node's subtree. */
  readonly nodeEnd: Int32Array;
  /** Tokens that end at node n: tokens[tokenStart[n] .. tokenStart[n + 1]). */
  readonly tokenStart: Int32Array;
  readonly tokens: Int32Array;
  readonly longestToken: number;
}

/** What a lattice needs of a tokenizer (gpu-backend/model/tokenizer.ts). */
export interface Encoder {
  readonly size: number;
  encode(text: string): Int32Array;
  tokenBytes(id: number): Uint8Array;
}

/**
 * Builds the trie of a vocabulary. `bytes[id]` is empty for special tokens; `eos` is one of them. Tokens that are not
 * `admitted` stay out of the trie: no lattice uses them.
 */
export function buildVocabulary(
  bytes: readonly Uint8Array[],
  eos: number,
  admitted: (bytes: Uint8Array) => boolean = () => true,
): Vocabulary {
  const order = [...bytes.keys()]
    .filter((id) => bytes[id].length > 0 && admitted(bytes[id]))
    .sort((a, b) => compareBytes(bytes[a], bytes[b]) || a - b);
  const nodeByte: number[] = [0];
  const nodeEnd: number[] = [0];
  const tokensAt: number[][] = [[]];
  const path: number[] = [0];
  let previous: Uint8Array = new Uint8Array(0);
  let longestToken = 0;
  const close = (depth: number) => {
    while (path.length > depth + 1) nodeEnd[path.pop()!] = nodeByte.length;
  };
  for (const id of order) {
    const word = bytes[id];
    let shared = 0;
    while (shared < previous.length && shared < word.length && previous[shared] === word[shared]) shared++;
    close(shared);
    for (let depth = shared; depth < word.length; depth++) {
      path.push(nodeByte.length);
      nodeByte.push(word[depth]);
      nodeEnd.push(0);
      tokensAt.push([]);
    }
    tokensAt[path[path.length - 1]].push(id);
    previous = word;
    longestToken = Math.max(longestToken, word.length);
  }
  close(0);
  nodeEnd[0] = nodeByte.length;
  const tokenStart = new Int32Array(nodeByte.length + 1);
  for (let n = 0; n < nodeByte.length; n++) tokenStart[n + 1] = tokenStart[n] + tokensAt[n].length;
  return {
    size: bytes.length,
    eos,
    bytes,
    nodeByte: Uint8Array.from(nodeByte),
    nodeEnd: Int32Array.from(nodeEnd),
    tokenStart,
    tokens: Int32Array.from(tokensAt.flat()),
    longestToken,
  };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** True for tokens of whole characters; a byte-level vocabulary also has pieces of characters. */
export function isWholeText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Tells every token that spells the bytes from `from` on, and where it ends. */
export function spellings(
  bytes: Uint8Array,
  from: number,
  { nodeByte, nodeEnd, tokenStart, tokens }: Vocabulary,
  found: (until: number, token: number) => void,
): void {
  let node = 0;
  for (let i = from; i < bytes.length; i++) {
    let child = node + 1;
    while (child < nodeEnd[node] && nodeByte[child] !== bytes[i]) child = nodeEnd[child];
    if (child >= nodeEnd[node]) return;
    node = child;
    for (let t = tokenStart[node]; t < tokenStart[node + 1]; t++) found(i + 1, tokens[t]);
  }
}
