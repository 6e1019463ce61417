/**
 * What the address of the page may carry behind its `#`, which no server sees: a request to begin with, and once, from `npm start`, a key.
 */
import * as v from 'valibot';
import type { TextRequest } from '../../../../shared/client/client.ts';
import { generationSchema } from '../../../../shared/contract/generation.ts';

export interface Fragment {
  readonly key?: string;
  readonly request?: TextRequest;
  /** There is something, and it is no request. */
  readonly unreadable: boolean;
}

export function readFragment(hash: string): Fragment {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const key = parameters.get('key') ?? undefined;
  const given = parameters.get('request');
  if (given === null) return { key, unreadable: false };
  const request = readRequest(given);
  return { key, request, unreadable: request === undefined };
}

/** The fragment that brings this request back. It never holds a key. */
export function fragmentOf(request: TextRequest): string {
  return `#${new URLSearchParams({ request: JSON.stringify(request) })}`;
}

function readRequest(json: string): TextRequest | undefined {
  try {
    const { success, output } = v.safeParse(generationSchema, JSON.parse(json));
    if (!success) return undefined;
    const { n, stream, ...request } = output;
    return request;
  } catch {
    return undefined;
  }
}
