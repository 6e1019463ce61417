/** The site as it is built: every link leads somewhere, and pages need nothing their policy forbids. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSite, type SiteFile } from '../../../scripts/site/build.ts';
import { CHAPTERS } from '../../../scripts/site/contents.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Gzipped, with everything a page's script imports. */
const SCRIPT_BYTES = 60_000;
const LOOK_BYTES = 6_000;

const folder = mkdtempSync(join(tmpdir(), 'maskwright-site-'));
const site = join(folder, 'site');
let files: readonly SiteFile[];
beforeAll(async () => {
  files = await buildSite(ROOT, site);
});
afterAll(() => rmSync(folder, { recursive: true }));

const pages = () => files.map(({ path }) => path).filter((path) => path.endsWith('.html'));
const read = (path: string) => readFileSync(join(site, path), 'utf8');
const idsOf = (html: string) => [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);

/** The file an address of the site is answered with. */
function fileAt(address: string): string | undefined {
  const file = address.endsWith('/') ? `${address}index.html` : address;
  return files.some(({ path }) => path === file) ? file : undefined;
}

/** What a page has in href and src. */
function links(path: string): readonly string[] {
  return [...read(path).matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link]) => link.replaceAll('&amp;', '&'));
}

/** Why a link of a page leads nowhere; undefined where it leads somewhere. */
function fault(path: string, link: string): string | undefined {
  if (/^https:\/\/[\w.-]+\.\w+/.test(link)) return undefined;
  const { pathname, hash, origin } = new URL(link, `https://site${path.replace(/index\.html$/, '')}`);
  if (origin !== 'https://site') return `${path}: ${link} is not of this site, nor https`;
  const file = pathname === path ? path : fileAt(pathname);
  if (file === undefined) return `${path}: ${link} is no file`;
  const id = decodeURIComponent(hash.slice(1));
  return id === '' || idsOf(read(file)).includes(id) ? undefined : `${path}: ${link} names no place of that page`;
}

describe('the site', () => {
  it('has a page for every doc, and only for docs that are there', () => {
    const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
    expect(docs.length).toBeGreaterThan(15);
    const leaves = CHAPTERS.flatMap(({ leaves }) => leaves);
    expect(leaves.map(({ file }) => file)).toEqual(expect.arrayContaining(docs.map((name) => `docs/${name}`)));
    for (const { address } of leaves) expect(fileAt(address), address).toBeDefined();
  });

  it('has no link that leads nowhere', () => {
    const all = pages().flatMap((path) => links(path).map((link) => ({ path, link })));
    expect(all.length).toBeGreaterThan(500);
    expect(all.map(({ path, link }) => fault(path, link)).filter((told) => told !== undefined)).toEqual([]);
  });

  it('has each name of a place once on its page', () => {
    for (const path of pages()) expect(idsOf(read(path)).length, path).toBe(new Set(idsOf(read(path))).size);
  });

  it('has nothing inline that a strict policy would stop, and loads nothing from elsewhere', () => {
    for (const path of pages()) {
      const page = read(path).replace(/<code>.*?<\/code>/gs, '');
      expect(page, path).not.toMatch(/<style|<script(?![^>]*\ssrc=)|<[^>]*\s(style|on\w+)=/);
      for (const [tag] of page.matchAll(/<(script|link|img|iframe)\s[^>]*>/g)) {
        expect(tag, path).toMatch(/(src|href)="\/[^/]/);
      }
    }
  });

  it('names itself on every page', () => {
    const titles = pages().map((path) => /<title>(.+)<\/title>/.exec(read(path))?.[1]);
    expect(titles).not.toContain(undefined);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe('the sources of pages', () => {
  it('make no HTML out of text', () => {
    const sources = ['edge/site', 'edge/widget'].flatMap((name) => {
      const at = join(ROOT, name);
      return existsSync(at) ? readdirSync(at, { recursive: true, encoding: 'utf8' }).map((file) => join(at, file)) : [];
    });
    const scripts = sources.filter((file) => file.endsWith('.ts'));
    expect(scripts.length).toBeGreaterThan(1);
    for (const file of scripts) {
      expect(readFileSync(file, 'utf8'), file).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|setHTML|unsafe-?html|document\.write|new Function|\beval\(/i,
      );
    }
  });
});

describe('the weight', () => {
  /** A script and all it imports. */
  function weight(path: string, counted = new Set<string>()): number {
    if (counted.has(path)) return 0;
    counted.add(path);
    const file = files.find((other) => other.path === path);
    if (file === undefined) throw new Error(`${path} is not on the site.`);
    const imported = [...read(path).matchAll(/(?:from|import)\s*\(?\s*"(\.[\w./-]+\.js)"/g)];
    return imported.reduce((sum, [, name]) => sum + weight(join(dirname(path), name), counted), file.gzip);
  }

  it.for(['playground', 'dashboard'])('of the script of the %s is within its budget', (name) => {
    const bytes = weight(`/assets/${name}.js`);
    console.log(`${name}: ${bytes} bytes of script, gzipped`);
    expect(bytes).toBeLessThan(SCRIPT_BYTES);
  });

  it('of the look is within its budget', () => {
    const of = (path: string) => files.find((file) => file.path === path)?.gzip ?? 0;
    expect(of('/assets/look.css')).toBeGreaterThan(0);
    expect(of('/assets/look.css') + of('/assets/docs.css')).toBeLessThan(LOOK_BYTES);
  });
});
