/** Reads `text/event-stream`, as far as our API writes it: `event`, `id` and `data`, one line each, and comments. */

export interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
  readonly id?: string;
}

/** The events of a body, as they arrive. */
export async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    const blocks = (rest + decoder.decode(part, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) if (!block.startsWith(':')) yield readEvent(block);
  }
}

function readEvent(block: string): ServerSentEvent {
  const field = (name: string) =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  return { name: field('event') ?? 'message', data: field('data') ?? '', id: field('id') };
}
