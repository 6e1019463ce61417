/**
 * Installs the dependencies where they are missing or older than the lock file. Runs before `npm start` and `npm test`,
 * so it is plain JavaScript without imports of its own and works on the machine's Node 20; the scripts then run on the
 * Node 24 that the dependencies bring.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const binary = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

/** Unix milliseconds of a file's last change, 0 where there is no file. */
function changed(...path) {
  try {
    return statSync(join(root, ...path)).mtimeMs;
  } catch {
    return 0;
  }
}

/** npm itself, the very one that runs this script where there is one. */
function npm(...parameters) {
  const cli = process.env.npm_execpath;
  const options = { cwd: root, stdio: 'inherit' };
  if (cli?.endsWith('.js')) return spawnSync(process.execPath, [cli, ...parameters], options);
  return spawnSync('npm', parameters, { ...options, shell: process.platform === 'win32' });
}

// npm writes this file last, so it is missing after an install that broke off.
if (changed('node_modules', '.package-lock.json') < changed('package-lock.json')) {
  console.log('Installing the dependencies (npm ci); this is done once.');
  const { status, error } = npm('ci', '--no-audit', '--no-fund', '--loglevel=error');
  if (status !== 0) {
    console.error(`npm ci failed${error ? `: ${error.message}` : ''}. Nothing was started.`);
    process.exit(status || 1);
  }
}

const answer = spawnSync(binary, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
const major = Number(/^v(\d+)/.exec(answer.stdout ?? '')?.[1] ?? 0);
if (major < NEEDED_MAJOR) {
  console.error(
    `Node ${NEEDED_MAJOR} was expected in node_modules/.bin (${answer.stdout?.trim() || 'none'} was found). ` +
      'The dependency "node" brings it by its install script: run "npm ci" with install scripts allowed.',
  );
  process.exit(1);
}
