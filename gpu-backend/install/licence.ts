/**
 * May a model be installed without a word? Its licence is shown in any case.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InstallError } from './failure.ts';

/** Licences that let anyone use, change and serve a model, commercially too (the Hub's names). */
const OPEN: ReadonlySet<string> = new Set([
  'apache-2.0',
  'mit',
  'bsd',
  'bsd-2-clause',
  'bsd-3-clause',
  'isc',
  'bsl-1.0',
  'unlicense',
  'cc0-1.0',
  'cc-by-4.0',
]);

/** The licence that a model card's front matter names, if it names one. */
export async function licenceOfFolder(folder: string): Promise<string | undefined> {
  const card = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
  const [, front = ''] = card.match(/^---\r?\n([\s\S]*?)\r?\n---/) ?? [];
  const [, licence] = front.match(/^license:\s*["']?([\w.-]+)["']?\s*$/m) ?? [];
  return licence;
}

/** @throws InstallError where the licence is none of the open ones and was not accepted */
export function checkLicence(licence: string | undefined, accepted: boolean): string {
  if (licence !== undefined && OPEN.has(licence)) return licence;
  if (accepted) return licence ?? 'unknown';
  const what = licence === undefined ? 'The model states no licence' : `The model's licence is "${licence}"`;
  throw new InstallError(
    `${what}; without a question only these are installed: ${[...OPEN].join(', ')}. ` +
      'Read what it allows, then add --accept-licence (and --licence NAME where none is stated).',
  );
}
