import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../edge/widget/version.ts';
import { bundleWidget, integrityOf } from '../../scripts/widget/bundle.ts';
import { MODULE, readReleases } from '../../scripts/widget/releases.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const EMBED = join(ROOT, 'edge', 'public', 'embed');
const { versions } = readReleases(EMBED);
const [latest] = versions;

/** What pages load must fit in this, compressed. */
const MOST_BYTES = 6_000;

describe('the released widget', () => {
  it('is what the code is now: a change needs a new VERSION and `npm run widget`', async () => {
    expect(latest.version).toBe(VERSION);
    expect(integrityOf(await bundleWidget(ROOT))).toBe(latest.integrity);
    const manifest = readFileSync(join(EMBED, VERSION, 'custom-elements.json'), 'utf8');
    expect(manifest).toBe(readFileSync(join(ROOT, 'edge', 'widget', 'custom-elements.json'), 'utf8'));
  });

  it.each(versions)('$version has the hash that pages name, and is small', ({ version, integrity }) => {
    const module = readFileSync(join(EMBED, version, MODULE));
    expect(integrityOf(module)).toBe(integrity);
    expect(gzipSync(module, { level: 9 }).length).toBeLessThan(MOST_BYTES);
  });

  it('is listed, every version of it', () => {
    const folders = readdirSync(EMBED, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(versions.map(({ version }) => version).sort());
  });

  it('stands in the docs with its address and its hash', () => {
    const docs = readFileSync(join(ROOT, 'docs', 'widget.md'), 'utf8');
    expect(docs).toContain(`${latest.path}"`);
    expect(docs).toContain(`integrity="${latest.integrity}"`);
  });

  it('makes no HTML of any text', () => {
    const module = readFileSync(join(EMBED, VERSION, MODULE), 'utf8');
    expect(module).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\b/,
    );
  });
});
