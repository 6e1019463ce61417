/**
 * The inference service as a process: its configuration, its role, and an orderly end.
 */
import { pathToFileURL } from 'node:url';
import { type Logger, pino } from 'pino';
import { type Config, type Role, readConfig } from './config.ts';
import { restartOnce } from './restart.ts';
import { startEngine } from './roles/engine.ts';
import { startGateway } from './roles/gateway.ts';
import type { Service } from './roles/role.ts';
import { startService } from './roles/service.ts';

const STARTS: Readonly<Record<Role, (config: Config, log: Logger) => Promise<Service>>> = {
  service: startService,
  gateway: startGateway,
  engine: startEngine,
};

async function main(): Promise<void> {
  const config = readConfig(process.env);
  if (config.modelMemoryMb !== undefined || config.engines > 1) restartOnce();
  const log = pino({ level: config.logLevel });
  const service = await STARTS[config.role](config, log);
  log.info({ role: config.role, url: service.url }, 'listening');
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'draining');
    await service.stop();
    log.info('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await service.ready;
  await service.ended;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((reason: unknown) => {
    console.error(reason instanceof Error ? reason.message : reason);
    process.exit(1);
  });
}
