/** The whole local stack, started once for all browser tests: inference service, edge in workerd, site. Turnstile is a stand-in. */
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startServices } from '../../scripts/local/services.ts';
import { startTurnstile } from './turnstile.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the edge and the site are: 'http://127.0.0.1:41234'. */
    readonly url: string;
    /** A test key with play money. */
    readonly key: string;
    /** A live key of the same account, with play money too: it makes publishable keys. */
    readonly liveKey: string;
    /** Opens other accounts. */
    readonly adminSecret: string;
  }
}

/** Vitest's globalSetup. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const turnstile = await startTurnstile();
  const environment = { ...process.env, TURNSTILE_URL: turnstile.url };
  const services = await startServices(join(import.meta.dirname, '..', '..'), new Promise(() => {}), environment);
  if (services === undefined) throw new Error('The local stack was interrupted.');
  // A process that dies fails the tests that ask it; this is only so that the rejection has a reader.
  services.died.catch((error) => console.error(error));
  project.provide('url', services.url);
  project.provide('key', services.key);
  project.provide('liveKey', services.liveKey);
  project.provide('adminSecret', services.adminSecret);
  return async () => {
    await services.stop();
    turnstile.stop();
  };
}
