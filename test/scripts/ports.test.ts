import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { claimFolder, releaseFolder } from '../../scripts/local/claims.ts';
import { choosePort } from '../../scripts/local/ports.ts';

const VARIABLE = 'MASKWRIGHT_PORT_OF_THIS_TEST';

afterEach(() => {
  delete process.env[VARIABLE];
});

/** Runs `use` while a port is busy. */
async function whileBusy(use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as { port: number }).port);
  } finally {
    server.close();
  }
}

describe('choosing a port', () => {
  it('takes the preferred one when it is free and another when it is busy or claimed', async () => {
    await whileBusy(async (busy) => {
      const other = await choosePort(VARIABLE, busy);
      expect(other).not.toBe(busy);
      expect(await choosePort(VARIABLE, other)).toBe(other);
      expect(await choosePort(VARIABLE, other, (port) => port !== other)).not.toBe(other);
    });
  });

  it('takes the one that is asked for, or says why not', async () => {
    await whileBusy(async (busy) => {
      process.env[VARIABLE] = String(busy);
      await expect(choosePort(VARIABLE, 1)).rejects.toThrow(`Port ${busy} (${VARIABLE}) is in use`);
    });
    for (const given of ['0', '65536', 'http', '80.5']) {
      process.env[VARIABLE] = given;
      await expect(choosePort(VARIABLE, 1)).rejects.toThrow(/must be a port from 1 to 65535/);
    }
  });
});

describe('claiming a folder', () => {
  it('is refused while another living process has it, and not after', () => {
    const root = mkdtempSync(join(tmpdir(), 'maskwright-'));
    try {
      const folder = join(root, 'run');
      // The parent of this process lives as long as it does.
      writeFileSync(`${folder}.pid`, String(process.ppid));
      expect(claimFolder(folder)).toBe(false);
      // No process has this number: it is over the largest Linux, macOS and Windows give.
      writeFileSync(`${folder}.pid`, '99999999');
      expect(claimFolder(folder)).toBe(true);
      expect(existsSync(folder)).toBe(true);
      releaseFolder(folder, { keep: false });
      expect(existsSync(folder) || existsSync(`${folder}.pid`)).toBe(false);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
