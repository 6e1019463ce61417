import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runNode } from '../run-node.ts';

const PROGRAM = join(import.meta.dirname, 'thread-log-process.ts');

describe('the log of a thread', () => {
  it('is written in whole, in order, before the thread is ended behind its last line', async () => {
    // More than one write takes while another is under way.
    const { code, out } = await runNode(PROGRAM, ['500']);
    expect(code).toBe(0);
    const said = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(said.map(({ line }) => line)).toEqual(Array.from({ length: 500 }, (_, line) => line));
    expect(said[0]).toMatchObject({ level: 30, thread: 'one', msg: 'said' });
  });

  it('is given up where nobody takes the output', async () => {
    // A few megabytes: more than any pipe holds.
    const child = spawn(process.execPath, [PROGRAM, '20000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    child.stdout.destroy();
  });
});
