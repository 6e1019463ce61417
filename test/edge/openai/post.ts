/** Requests to the compatible routes, and their streams read as OpenAI's client reads them. */
import type { edge } from '../upstream.ts';

export const CHAT = '/v1/chat/completions';
export const COMPLETIONS = '/v1/completions';
export const FIM = '/v1/fim/completions';

export const user = (content: string) => ({ messages: [{ role: 'user', content }] });

export function post({ fetch }: Pick<Awaited<ReturnType<typeof edge>>, 'fetch'>, path: string, body: unknown) {
  const headers = { 'content-type': 'application/json' };
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

export interface Chunk {
  id: string;
  object: string;
  choices: {
    index: number;
    text?: string;
    delta?: { role?: string; content?: string };
    finish_reason: string | null;
  }[];
  usage?: Record<string, number> | null;
  diffusion?: { type: string };
  seed?: number;
  error?: { code: string; param: string | null; message: string };
}

/** The data of every event but the last, which is given as it is. */
export async function chunksOf(response: Response): Promise<{ chunks: Chunk[]; end: string }> {
  const data = (await response.text())
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => block.replace(/^data: /, ''));
  const end = data.at(-1) === '[DONE]' ? (data.pop() as string) : 'broken off';
  return { chunks: data.map((text) => JSON.parse(text) as Chunk), end };
}

/** The text of one choice, as it comes piece by piece. */
export const piecesOf = (chunks: readonly Chunk[], index = 0) =>
  chunks
    .flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
    .map(({ text, delta }) => text ?? delta?.content)
    .filter((piece) => piece !== undefined && piece !== '');
