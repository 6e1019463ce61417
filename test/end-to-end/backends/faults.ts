/** A network between the edge and real services that does what networks do, as it is told. */
import type { Env } from '../../../edge/env.ts';

/**
 * What becomes of a request for a generation. `never`: it does not arrive. `unheard`: the service has begun, and its answer is lost.
 * `cut`: the connection breaks behind so many events. `full`: the service refuses it. `hole`: nothing comes back, ever.
 */
export type Fault = 'none' | 'never' | 'unheard' | 'full' | 'proxy' | 'hole' | { readonly cut: number };

export function faultyNetwork(faults: Map<string, Fault>) {
  /** Origins that were asked to generate, in order; those that were told to drop a job. */
  const asked: string[] = [];
  const dropped: string[] = [];
  const deadlines: number[] = [];
  const fetcher: NonNullable<Env['BACKEND']> = {
    async fetch(input, init) {
      const { origin, pathname } = new URL(input);
      const fault = faults.get(origin) ?? 'none';
      if (fault === 'hole') return silence(init?.signal);
      if (init?.method === 'DELETE') dropped.push(origin);
      if (pathname !== '/generate') return fault === 'never' ? lost() : fetch(atHome(input), init);
      asked.push(origin);
      deadlines.push((JSON.parse(String(init?.body)) as { deadline_ms: number }).deadline_ms);
      if (fault === 'never') return lost();
      if (fault === 'proxy') return new Response('<h1>Bad gateway</h1>', { status: 502 });
      if (fault === 'full') {
        const body = { code: 'overloaded', detail: 'full' };
        return Response.json(body, { status: 429, headers: { 'retry-after': '7' } });
      }
      const response = await fetch(atHome(input), init);
      if (fault === 'unheard') {
        await response.body?.cancel();
        return lost();
      }
      return fault === 'none' || !response.ok ? response : cutOff(response, fault.cut);
    },
  };
  return { fetcher, asked, dropped, deadlines };
}

/** A service may have any name as long as its port is right. */
function atHome(url: string): URL {
  const home = new URL(url);
  home.hostname = '127.0.0.1';
  return home;
}

const lost = () => Promise.reject(new Error('Network connection lost.'));

function silence(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}

function cutOff(response: Response, events: number): Response {
  let left = events;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      for (const line of new TextDecoder().decode(chunk).split(/(?<=\n)/)) {
        if (left-- <= 0) return controller.error(new Error('Network connection lost.'));
        controller.enqueue(new TextEncoder().encode(line));
      }
    },
  });
  return new Response(response.body?.pipeThrough(cut), { headers: response.headers });
}
