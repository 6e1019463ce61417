/** One text under a template, asked for through the edge like any caller would, and drawn while it comes into focus. */

import { createClient } from '../../shared/client/client.ts';
import type { GenerationRequest } from '../../shared/contract/generation.ts';
import type { DoneEvent } from '../../shared/contract/stream.ts';
import { drawing, type Screen } from './drawing.ts';

/** What the demonstration asks for; the README's curl line asks for the same. */
export const EXAMPLE: GenerationRequest = {
  style: 'restaurant',
  template: '{{name:words=1..3}} is a {{kind:words=1..3}} near {{place:words=1..4}}. {{verdict:words=4..10}}.',
  temperature: 0.7,
  seed: 7,
};

export interface DemonstrationOptions {
  readonly url: string;
  readonly key: string;
  readonly screen: Screen;
  readonly colours: boolean;
}

/**
 * Generates the example with `stream: "steps"`, draws its frames and returns its end.
 * @throws Error when the answer is a problem, breaks off, or its frames do not end in its text.
 */
export async function demonstrate({ url, key, screen, colours }: DemonstrationOptions): Promise<DoneEvent> {
  const picture = drawing(screen, colours);
  let done: DoneEvent | undefined;
  for await (const { event } of createClient({ key, url }).steps(EXAMPLE)) {
    if (event.type === 'accepted') await picture.accepted(event);
    if (event.type === 'step') await picture.step(event);
    if (event.type === 'done') done = event;
  }
  if (done === undefined) throw new Error('The demonstration broke off.');
  if (done.text !== picture.text()) throw new Error('The frames of the demonstration do not end in its text.');
  return done;
}

/** The same request as a line for a shell. */
export function curlLine(url: string, key: string): string {
  const body = JSON.stringify(EXAMPLE).replaceAll("'", "'\\''");
  return [
    `curl -s ${url}/v1/generations \\`,
    `  -H 'authorization: Bearer ${key}' -H 'content-type: application/json' \\`,
    `  -d '${body}'`,
  ].join('\n');
}
