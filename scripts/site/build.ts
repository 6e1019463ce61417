/** The website as a folder of files: built anew each time, beside the old one, and then put in its place. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { referencePage } from '../openapi/page.ts';
import { writeDocs } from './docs.ts';
import { placeMovingVersions } from './embed.ts';
import { bundlePages } from './pages.ts';

export interface SiteFile {
  /** Below the site: '/assets/playground.js'. */
  readonly path: string;
  readonly bytes: number;
  readonly gzip: number;
}

/**
 * Builds the site.
 * @param root folder of the project
 * @param target where it goes; what was there is replaced
 * @returns its files
 * @throws Error where a script does not bundle, or a page of the docs links to nothing
 */
export async function buildSite(root: string, target: string): Promise<readonly SiteFile[]> {
  // Two runs of one checkout may build at once: each in a folder of its own, and the last one stays.
  const fresh = `${target}-${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    cpSync(join(root, 'edge', 'public'), fresh, { recursive: true });
    placeMovingVersions(join(fresh, 'embed'));
    await bundlePages(join(root, 'edge', 'site'), fresh);
    writeDocs(root, fresh);
    writeReference(fresh);
    replace(fresh, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return filesOf(target);
}

/** The API reference, from the document that is served beside it. */
function writeReference(site: string): void {
  const document = JSON.parse(readFileSync(join(site, 'openapi.json'), 'utf8'));
  mkdirSync(join(site, 'reference'));
  writeFileSync(join(site, 'reference', 'index.html'), referencePage(document));
}

function replace(fresh: string, target: string): void {
  const old = `${fresh}-old`;
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  rmSync(old, { recursive: true, force: true });
}

function filesOf(folder: string): SiteFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return {
        path: `/${relative(folder, file)}`,
        bytes: statSync(file).size,
        gzip: gzipSync(readFileSync(file), { level: 9 }).length,
      };
    });
}
