/** Several real services with the tiny model on sockets of their own, as the edge's own code sees them. */
import type { Env } from '../../../edge/env.ts';
import type { GenerationJob } from '../../../shared/contract/generation.ts';
import { appOf, jobOf, SECRET, serveApp } from '../../gpu-backend/http/service.ts';
import { tinySession } from '../../gpu-backend/tiny-model.ts';

/** So many services whose steps take so long. Each can be closed on its own; whatever is open is closed by `close`. */
export async function services(count: number, stepMs: number) {
  const all = await Promise.all(
    Array.from({ length: count }, async () => {
      const parts = appOf({ session: tinySession(() => new Promise((done) => setTimeout(done, stepMs))) });
      return { ...parts, ...(await serveApp(parts.app)) };
    }),
  );
  return { all, env: envOf(all.map(({ url }) => url)), close: () => Promise.all(all.map((one) => one.close())) };
}

/** What the edge's code reads of its environment when it speaks to services. */
export const envOf = (urls: readonly string[]) => ({ BACKEND_URL: urls.join(','), BACKEND_SECRET: SECRET }) as Env;

let jobs = 0;

export function streamedJob(steps: number, changes: Partial<GenerationJob> = {}): GenerationJob {
  const job = jobOf({ template: `{{a:tokens=${steps}}}`, diffusion: { steps } });
  return { ...job, id: `gen_${String(++jobs).padStart(24, '0')}`, owner: 'acc_1', resume_ms: 10_000, ...changes };
}
