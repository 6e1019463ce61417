/** The moving addresses of the widget: `/embed/v1/` has what the latest version 1 has. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { readReleases } from '../widget/releases.ts';

/** @param folder `embed` of the site, with every release in it */
export function placeMovingVersions(folder: string): void {
  const placed = new Set<string>();
  for (const { version } of readReleases(folder).versions) {
    const [major] = version.split('.');
    if (!placed.has(major)) cpSync(join(folder, version), join(folder, `v${major}`), { recursive: true });
    placed.add(major);
  }
}
