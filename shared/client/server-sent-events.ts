/** Reads `text/event-stream`, as far as our API writes it: `event`, `id` and `data`, one line each, and comments. */

export interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
  readonly id?: string;
}

/** The events of a body, as they arrive. Breaking off closes the connection. */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void> {
  // Not `for await`: not every browser can iterate over a stream.
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (rest + decoder.decode(part.value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) if (!block.startsWith(':')) yield readEvent(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it broke off, or whoever iterates did
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
