import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const source = join(import.meta.dirname, '..', '..', 'scripts', 'ensure-installed.mjs');

/** An npm that notes what it was asked for, and installs a Node. */
const NPM = `
const { appendFileSync, mkdirSync, symlinkSync, writeFileSync, existsSync } = require('node:fs');
appendFileSync('asked', process.argv.slice(2).join(' ') + '\\n');
if (process.env.NPM_FAILS) process.exit(7);
mkdirSync('node_modules/.bin', { recursive: true });
if (!process.env.NPM_BRINGS_NO_NODE && !existsSync('node_modules/.bin/node')) symlinkSync(process.execPath, 'node_modules/.bin/node');
writeFileSync('node_modules/.package-lock.json', '{}');
`;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maskwright-'));
  mkdirSync(join(root, 'scripts'));
  copyFileSync(source, join(root, 'scripts', 'ensure-installed.mjs'));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'npm.js'), NPM);
});

afterEach(() => rmSync(root, { recursive: true }));

function ensure(environment: NodeJS.ProcessEnv = {}) {
  const script = join(root, 'scripts', 'ensure-installed.mjs');
  const env = { ...process.env, npm_execpath: join(root, 'npm.js'), ...environment };
  const { status, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8', cwd: tmpdir() });
  return { status, stderr };
}

const asked = () =>
  existsSync(join(root, 'asked')) ? readFileSync(join(root, 'asked'), 'utf8').trim().split('\n') : [];

describe('ensuring that the dependencies are installed', () => {
  it('installs them where there are none, and only once', () => {
    expect(ensure().status).toBe(0);
    expect(asked()).toEqual([expect.stringMatching(/^ci /)]);
    expect(ensure().status).toBe(0);
    expect(asked()).toHaveLength(1);
  });

  it('installs them anew when the lock file is newer', () => {
    ensure();
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(root, 'package-lock.json'), later, later);
    expect(ensure().status).toBe(0);
    expect(asked()).toHaveLength(2);
  });

  it('fails as npm fails', () => {
    const { status, stderr } = ensure({ NPM_FAILS: '1' });
    expect(status).toBe(7);
    expect(stderr).toContain('npm ci failed');
  });

  it('says what is missing when the install brought no Node 24', () => {
    const { status, stderr } = ensure({ NPM_BRINGS_NO_NODE: '1' });
    expect(status).toBe(1);
    expect(stderr).toContain('Node 24 was expected in node_modules/.bin (none was found)');
  });
});
