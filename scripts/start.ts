/**
 * `npm start`: starts the inference service and the edge, generates one text for all to see, and keeps serving.
 * `npm start -- --once` ends after the text.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { curlLine, demonstrate } from './local/demonstration.ts';
import { type LocalServices, startServices } from './local/services.ts';

const USAGE = `npm start [-- --once]

  --once   generate one text, then end

Environment: MASKWRIGHT_PORT (8787), MASKWRIGHT_BACKEND_PORT (8788).`;

const { stdout } = process;
const colours = stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

function readArguments(): { once: boolean } {
  try {
    const { values } = parseArgs({ options: { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    return { once: values.once ?? false };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

/** Resolves when the user wants the run to end. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    // Not `once`: npm passes on a Ctrl-C that we also get ourselves, and the second may not cut the stopping short.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

async function serve(services: LocalServices, once: boolean): Promise<void> {
  const { url, key, liveKey } = services;
  const done = await demonstrate({ url, key, screen: stdout, colours });
  const { denoising_steps: steps, positions } = done.usage;
  console.log(`\n${done.text}\n`);
  console.log(`${positions} positions in ${steps} denoising steps; ${done.constraints.length} constraints, all held.`);
  if (once) return;
  // Behind the '#', which no server sees; the pages take the key out of their address.
  console.log(`\nServing on ${url}\nKey: ${key}\nLive key, play money too: ${liveKey}`);
  console.log(`\nIn the browser:\n${url}/#key=${key}\n${url}/dashboard/#key=${liveKey}`);
  console.log(`\nOr in a shell:\n${curlLine(url, key)}\n\nCtrl-C ends it.`);
  await services.died;
}

async function main(): Promise<number> {
  const { once } = readArguments();
  const stop = interrupted();
  let services: LocalServices | undefined;
  try {
    console.log('Starting the inference service and the edge ...');
    services = await startServices(join(import.meta.dirname, '..'), stop);
    if (services !== undefined) await Promise.race([serve(services, once), services.died, stop]);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await services?.stop();
  }
}

process.exitCode = await main();
// A read that was cut off by stopping could keep the process alive.
process.exit();
