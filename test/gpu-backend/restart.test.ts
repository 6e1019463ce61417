import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runNode } from '../run-node.ts';

const PROGRAM = join(import.meta.dirname, 'restart-process.ts');
const MB = 2 ** 20;

describe.runIf(process.platform === 'linux')('a process that replaces itself', () => {
  it('has what it is started with, and its threads have what they are given', async () => {
    const { code, out } = await runNode(PROGRAM, []);
    expect(code).toBe(0);
    const { flags, main, thread } = JSON.parse(out);
    expect(flags).toEqual(
      expect.arrayContaining(['--max-semi-space-size=32', expect.stringMatching(/^--v8-pool-size=[1-4]$/)]),
    );
    expect(main).toBe(2 * 32 * MB);
    expect(thread).toBeLessThanOrEqual(12 * MB);
  });
});
