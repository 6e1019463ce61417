/**
 * An engine of the tiny model in a process of its own, to be killed and stopped: `node engine-process.ts SERVER PREFIX STEP_MS LEASE_MS`. It says
 * `ready`, and exits in the middle of a job whose id begins with `poison`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { inlineDispatch } from '../../../../gpu-backend/dispatch/inline.ts';
import { openLink } from '../../../../gpu-backend/dispatch/nats/connection.ts';
import { createCounted } from '../../../../gpu-backend/dispatch/nats/counted.ts';
import { startEngineSide } from '../../../../gpu-backend/dispatch/nats/engine-side.ts';
import { createEngine } from '../../../../gpu-backend/engine/engine.ts';
import { fixedModels } from '../../../../gpu-backend/model/pool.ts';
import { plainConstraint } from '../../plain-constraint.ts';
import { tinyModel, tinySession } from '../../tiny-model.ts';

const [server, prefix, stepMs, leaseMs] = process.argv.slice(2);
const log = pino({ level: process.env.TEST_LOG ?? 'silent' }, pino.destination(2));
const config = { servers: [server], replicas: 1, prefix };
const session = tinySession(() => sleep(Number(stepMs)));
const check = () => ({ held: [], failed: [] });
const engine = createEngine({ models: fixedModels([tinyModel(session)]), check, makeConstraint: plainConstraint });
const inline = inlineDispatch(Promise.resolve(engine));
await Promise.resolve();
const dispatch: typeof inline = {
  ...inline,
  async *generate(job, reader, resumption) {
    if (job.id.startsWith('poison')) setTimeout(() => process.exit(3), 20);
    yield* inline.generate(job, reader, resumption);
  },
};
const link = await openLink(config, 'engine', log);
const counted = createCounted();
const side = await startEngineSide({ link, config, dispatch, room: 4, leaseMs: Number(leaseMs), counted, log });
process.once('SIGTERM', async () => {
  await side.drain(2_500);
  await link.close();
  process.exit(0);
});
process.on('message', () => process.send?.(Object.fromEntries([['leases_lost', counted.value('leases_lost')]])));
process.send?.('ready');
