/** The thread with the sockets is never kept from them, whatever the engine has to do: the real service, its engine in its own thread. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../gpu-backend/config.ts';
import type { Service } from '../../../gpu-backend/roles/role.ts';
import { startService } from '../../../gpu-backend/roles/service.ts';
import { SECRET } from './service.ts';

const MODEL = join(import.meta.dirname, '../../fixtures/overfit');

let service: Service | undefined;
afterEach(() => service?.stop());

/**
 * This thread's own time from one turn of its loop to the next, milliseconds, greatest first. A timer comes at every turn, and
 * processor time does not count what the machine gives to others meanwhile.
 */
function watchTurns(): () => number[] {
  const turns: number[] = [];
  let last = process.threadCpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    turns.push((user + system) / 1_000);
  }, 1);
  return () => {
    clearInterval(timer);
    return turns.sort((a, b) => b - a);
  };
}

describe('the thread with the sockets', () => {
  it('is held up for less than 20 ms under load, by the largest bodies too', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'maskwright-'));
    const environment = {
      MASKWRIGHT_LOG: 'silent',
      MASKWRIGHT_SECRET: SECRET,
      MASKWRIGHT_BACKEND_PORT: '0',
      MASKWRIGHT_MODELS: MODEL,
    };
    const config = readConfig({ ...environment, MASKWRIGHT_CACHE: cache, MASKWRIGHT_THREADS: '1' });
    service = await startService(config, pino({ level: 'silent' }));
    await service.ready;
    const load = async (milliseconds: number) => {
      const parameters = [join(import.meta.dirname, 'load.ts'), service!.url, SECRET, '12', String(milliseconds)];
      const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [said] = await once(child.stdout, 'data');
      return JSON.parse(String(said)) as Record<string, number>;
    };
    await load(1_000); // compiled once
    const turns = watchTurns();
    const statuses = await load(4_000);
    const longest = turns();
    expect(statuses[200]).toBeGreaterThan(5);
    // 9.6 ms at most where this was written. Of a thousand turns one may be the collector's; what blocks does so at every request.
    expect(longest[Math.ceil(longest.length / 1_000)]).toBeLessThan(20);
  });
});
