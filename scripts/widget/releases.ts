/** What pages embed: every version of the widget that was ever released, as it was, and which one is the latest. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { integrityOf } from './bundle.ts';

export interface Release {
  readonly version: string;
  /** Of the module, below the site. */
  readonly path: string;
  readonly integrity: string;
}

/** The latest first. */
export interface Releases {
  readonly versions: readonly Release[];
}

export interface ReleaseFiles {
  readonly version: string;
  readonly module: Uint8Array;
  /** custom-elements.json of that version. */
  readonly manifest: string;
}

export const MODULE = 'widget.js';
export const MANIFEST = 'custom-elements.json';
const LIST = 'versions.json';

/** @param folder edge/public/embed */
export function readReleases(folder: string): Releases {
  const list = join(folder, LIST);
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : { versions: [] };
}

/**
 * Adds a version. What is released once may not change: pages name its hash, and browsers keep it for good.
 * @throws Error where it was released with other content
 */
export function release(folder: string, { version, module, manifest }: ReleaseFiles): Release {
  const { versions } = readReleases(folder);
  const known = versions.find((other) => other.version === version);
  const integrity = integrityOf(module);
  if (known && known.integrity !== integrity) {
    throw new Error(`Version ${version} is released and may not change: raise VERSION in edge/widget/version.ts.`);
  }
  const made = { version, path: `/embed/${version}/${MODULE}`, integrity };
  const target = join(folder, version);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, MODULE), module);
  writeFileSync(join(target, MANIFEST), manifest);
  const list: Releases = { versions: known ? versions : [made, ...versions] };
  writeFileSync(join(folder, LIST), `${JSON.stringify(list, undefined, 2)}\n`);
  return made;
}
