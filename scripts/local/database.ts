/**
 * The empty database of a local run: made by `wrangler d1 migrations apply` like that of a deployment, and kept, as that takes longer than
 * all the rest of a start. What is kept goes by what it was made from.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface DatabaseOptions {
  /** Folder of the project. */
  readonly root: string;
  /** Folder of what the edge stores; it does not run yet. */
  readonly state: string;
  /** Applies the migrations to the database in `state`. */
  migrate(): Promise<void>;
}

/** Puts the database, with its tables and nothing in them, where the edge finds it. */
export async function emptyDatabase({ root, state, migrate }: DatabaseOptions): Promise<void> {
  const kept = join(root, '.cache', 'd1', fingerprint(root));
  if (existsSync(kept)) {
    cpSync(kept, state, { recursive: true });
    return;
  }
  await migrate();
  // Complete or not there at all, whatever other runs do meanwhile.
  const copy = `${kept}.${process.pid}`;
  mkdirSync(dirname(kept), { recursive: true });
  cpSync(state, copy, { recursive: true });
  if (existsSync(kept)) rmSync(copy, { recursive: true });
  else renameSync(copy, kept);
}

function fingerprint(root: string): string {
  const migrations = join(root, 'edge', 'migrations');
  const files = [
    ...readdirSync(migrations)
      .sort()
      .map((name) => join(migrations, name)),
    join(root, 'wrangler.toml'),
    join(root, 'node_modules', 'wrangler', 'package.json'),
  ];
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 32);
}
