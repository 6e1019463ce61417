/** `npm start` itself, as a process. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs scripts/start.ts; `watch` sees the output as it grows and may send a signal. */
function start(
  parameters: string[],
  environment: NodeJS.ProcessEnv = {},
  watch: (output: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'scripts', 'start.ts'), ...parameters], {
      cwd: root,
      env: { ...process.env, ...environment },
    });
    let output = '';
    const add = (part: Buffer) => {
      output += part.toString();
      watch(output, (signal) => child.kill(signal));
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('close', (code) => resolve({ code, output }));
  });
}

describe('npm start', () => {
  it('with --once prints the frames and the text and ends with 0', { timeout: 180_000 }, async () => {
    const { code, output } = await start(['--once']);
    expect(output).toMatch(/^step +0\/\d+ {2}.*░/m);
    const frames = [...output.matchAll(/^step +\d+\/\d+ {2}(.*)$/gm)].map(([, frame]) => frame);
    expect(frames.length).toBeGreaterThan(2);
    expect(frames.at(-1)).not.toContain('░');
    expect(output).toContain(`\n${frames.at(-1)!.replaceAll('⏎', '\n')}\n`);
    expect(code).toBe(0);
  });

  it('keeps serving until Ctrl-C, with a key and a curl line that works', { timeout: 180_000 }, async () => {
    let asked: Promise<Response> | undefined;
    const { code, output } = await start([], {}, (so_far, kill) => {
      if (asked !== undefined || !so_far.includes('Ctrl-C')) return;
      const key = /^Key: (sk_test_\S+)$/m.exec(so_far)![1];
      const url = /^Serving on (\S+)$/m.exec(so_far)![1];
      const body = /-d '(.*)'$/m.exec(so_far)![1];
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      asked = fetch(`${url}/v1/generations`, { method: 'POST', headers, body }).finally(() => {
        // Once from the terminal and once from npm.
        kill('SIGINT');
        setTimeout(() => kill('SIGINT'), 20);
      });
    });
    expect((await asked)?.status).toBe(200);
    expect(output).toMatch(/^(http:\/\/127\.0\.0\.1:\d+)\/#key=sk_test_\w+$/m);
    const { port } = new URL(/^Serving on (\S+)$/m.exec(output)![1]);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    expect(existsSync(join(root, '.local', `${port}.pid`))).toBe(false);
    expect(code).toBe(0);
  });

  it('says so when a port it was told to use is busy', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { code, output } = await start(['--once'], { MASKWRIGHT_PORT: String(port) });
    server.close();
    expect(output).toContain(`Port ${port} (MASKWRIGHT_PORT) is in use.`);
    expect(code).toBe(1);
  });

  it('shows why when the inference service cannot start', async () => {
    const { code, output } = await start(['--once'], { MASKWRIGHT_MODELS: 'models/there-is-none' });
    expect(output).toContain('The inference service ended with code 1.');
    expect(output).toContain('models/there-is-none');
    expect(code).toBe(1);
  });

  it('does not guess at parameters it does not know', async () => {
    const { code, output } = await start(['--onse']);
    expect(output).toContain("'--onse'");
    expect(code).toBe(2);
  });
});
