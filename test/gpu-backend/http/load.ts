/**
 * A process of its own that keeps a service busy: `node load.ts URL SECRET CALLERS MILLISECONDS`. Half of its callers send ordinary
 * jobs and read their streams, the others the largest bodies there may be. Prints how many answers of each status there were.
 */
import { LIMITS } from '../../../shared/contract/generation.ts';
import { signRequest } from '../../../shared/contract/signature.ts';

const [url, secret, callers, milliseconds] = process.argv.slice(2);
const end = Date.now() + Number(milliseconds);
const statuses: Record<string, number> = {};
let jobs = 0;

const ordinary = { template: '{{a:words=8}}', diffusion: { steps: 16 } };
const choices = Array.from({ length: LIMITS.choices }, (_, i) => `${i} ${'é'.repeat(LIMITS.choiceCharacters - 6)}`);
/** 210 KB in a form that is read to its end, and refused by the engine: more than a text has room for. */
const largest = { choices, template: '{{a}} {{b}}'.padEnd(LIMITS.templateCharacters, ' x') };

async function caller(request: object): Promise<void> {
  while (Date.now() < end) {
    const job = { id: `load-${process.pid}-${++jobs}`, request: { model: 'overfit', seed: jobs, ...request } };
    const body = JSON.stringify(job);
    const signed = await signRequest(secret, { method: 'POST', path: '/generate', body });
    const headers = { 'content-type': 'application/json', ...signed };
    const response = await fetch(`${url}/generate`, { method: 'POST', headers, body });
    await response.text();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, i) => caller(i % 2 === 0 ? ordinary : largest)));
console.log(JSON.stringify(statuses));
