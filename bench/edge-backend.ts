/**
 * A fixed inference service in a process of its own, for the bench `edge`: every job gets the same recorded events at once, under its own
 * id. What it says of models is that of the one the events were recorded with. `node edge-backend.ts` prints its port.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { GenerationJob } from '../shared/contract/generation.ts';
import type { ModelSummary } from '../shared/contract/manifest.ts';

export const MODEL: ModelSummary = {
  id: 'maskwright-small',
  title: 'Recorded',
  description: 'Events that were recorded once',
  revision: '6940a7d3f16ac802',
  licence: 'apache-2.0',
  parameters: 5_310_720,
  context: 256,
  styles: [{ name: 'product', description: '' }],
  supports: { editing: true, guidance: true },
  longestTokenBytes: 16,
};

const RECORDED_ID = 'gen_recorded';

function serve(): void {
  const [before, ...behind] = readFileSync(join(import.meta.dirname, 'edge-recorded.ndjson'), 'utf8').split(
    RECORDED_ID,
  );
  const models = JSON.stringify([MODEL]);
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/models') {
      response.setHeader('content-type', 'application/json');
      response.end(models);
      return;
    }
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url !== '/generate') {
        response.statusCode = 410;
        response.end('{}');
        return;
      }
      const { id } = JSON.parse(Buffer.concat(parts).toString()) as GenerationJob;
      response.setHeader('content-type', 'application/x-ndjson');
      response.end([before, ...behind].join(id));
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : undefined }));
  });
}

if (import.meta.main) serve();
