/** The examples of docs/examples.md, as a reader would run them. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalServices, startServices } from '../../scripts/local/services.ts';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'examples.md'), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block);

let services: LocalServices;
beforeAll(async () => {
  services = (await startServices(root, new Promise(() => undefined)))!;
}, 180_000);
afterAll(() => services?.stop());

/** Runs a program with the address and key of the run. */
function run(
  program: string,
  parameters: string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const env = { ...process.env, EDGE: services.url, KEY: services.key };
  const child = spawn(program, parameters, { cwd: root, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** What the curl lines of a block are to be answered with. */
const expected = (line: string) => (line.includes('a long sentence') ? '422' : line.includes('gen_4k0…') ? '410' : '2');

describe('docs/examples.md', () => {
  it('has as many examples in curl as in TypeScript, one for each feature', () => {
    expect(blocks('sh').length).toBeGreaterThan(15);
    for (const section of page.split(/^## /m).slice(1)) {
      expect(section, section.slice(0, 30)).toMatch(/```sh\n/);
      expect(section, section.slice(0, 30)).toMatch(/```ts\n/);
    }
  });

  it('has curl lines that are answered', async () => {
    const lines = blocks('sh').flatMap((block) => block.replaceAll('\\\n', ' ').trim().split('\n'));
    for (const line of lines) {
      const { output } = await run('bash', ['-c', `${line} -w '\\n%{http_code}'`]);
      expect(output.trim().split('\n').at(-1)?.startsWith(expected(line)), `${line}\n${output}`).toBe(true);
    }
  });

  it('has TypeScript that runs to its end', async () => {
    const file = join(root, '.local', `examples-${process.pid}.ts`);
    // Each block in a scope of its own, its imports above all.
    const [head, ...rest] = blocks('ts').map((block) => {
      const lines = block.split('\n');
      const isImport = (line: string) => line.startsWith('import ');
      return { imports: lines.filter(isImport), body: lines.filter((line) => !isImport(line)).join('\n') };
    });
    const imports = [head, ...rest].flatMap((block) => block.imports);
    const source = [...new Set(imports)].join('\n').replaceAll('./shared', '../shared');
    writeFileSync(
      file,
      `${source}\n${head.body}\n${rest.map(({ body }) => `{\n${body}\n}`).join('\n')}\nconsole.log('the end');\n`,
    );
    try {
      const { code, output } = await run(process.execPath, [file]);
      expect(output).toMatch(/the end\n$/);
      expect(code).toBe(0);
    } finally {
      rmSync(file);
    }
  });
});
