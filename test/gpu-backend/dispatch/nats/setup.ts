/** Gateways and engines in this process, joined by a real server; each test has a prefix of its own. */

import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import type { Dispatch } from '../../../../gpu-backend/dispatch/dispatch.ts';
import { inlineDispatch } from '../../../../gpu-backend/dispatch/inline.ts';
import { type Link, openLink } from '../../../../gpu-backend/dispatch/nats/connection.ts';
import { createCounted } from '../../../../gpu-backend/dispatch/nats/counted.ts';
import { startEngineSide } from '../../../../gpu-backend/dispatch/nats/engine-side.ts';
import { openGatewaySide } from '../../../../gpu-backend/dispatch/nats/gateway-side.ts';
import { createEngine } from '../../../../gpu-backend/engine/engine.ts';
import { fixedModels } from '../../../../gpu-backend/model/pool.ts';
import type { GenerationJob } from '../../../../shared/contract/generation.ts';
import { plainConstraint } from '../../plain-constraint.ts';
import { tinyModel, tinySession } from '../../tiny-model.ts';
import { wait } from '../common.ts';
import { NATS_SERVER, type NatsServer, startNats } from './server.ts';

/** Short, so that tests need not wait long for an engine to be given up. */
export const leaseMs = 1_000;

export const log = pino({ level: process.env.TEST_LOG ?? 'silent' });

/** Resolves when it holds; fails after a while. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await wait(10)) {
    if (Date.now() > end) throw new Error(`it never came to be that ${what}`);
  }
}

let made = 0;

/** A job of so many steps. */
export function jobOf(steps: number, changes: Partial<GenerationJob> = {}, request: object = {}): GenerationJob {
  const id = `job-${++made}-${Date.now()}`;
  const template = `{{a:tokens=${steps}}}`;
  return { id, request: { model: 'tiny', seed: made, template, diffusion: { steps }, ...request }, ...changes };
}

export interface Installation {
  readonly server: NatsServer;
  readonly prefix: string;
  readonly link: (name: string) => Promise<Link>;
  gateway(options?: {
    waitingS?: number;
  }): Promise<Awaited<ReturnType<typeof openGatewaySide>> & { counted: ReturnType<typeof createCounted> }>;
  engine(options?: { stepMs?: number; room?: number; wrap?: (dispatch: Dispatch) => Dispatch }): Promise<{
    drain(graceMs: number): Promise<void>;
    counted: ReturnType<typeof createCounted>;
    steps(): number;
  }>;
}

/** The engine the tests compare with, of one process. */
export function inlineEngine(stepMs = 0) {
  const session = tinySession(() => (stepMs === 0 ? Promise.resolve() : wait(stepMs)));
  const check = () => ({ held: [], failed: [] });
  const engine = createEngine({ models: fixedModels([tinyModel(session)]), check, makeConstraint: plainConstraint });
  return { dispatch: inlineDispatch(Promise.resolve(engine)), session };
}

/** Runs a suite with one server; `installation()` gives each test a prefix of its own, and cleans up behind it. */
export function describeNats(name: string, suite: (installation: () => Installation) => void): void {
  describe.skipIf(NATS_SERVER === undefined)(name, () => {
    let server: NatsServer;
    let closing: (() => Promise<void> | void)[] = [];
    let prefixes = 0;
    beforeAll(async () => {
      server = await startNats();
    });
    afterEach(async () => {
      for (const close of closing.reverse()) await close();
      closing = [];
    });
    afterAll(() => server.stop());
    suite(() => {
      const prefix = `t${++prefixes}`;
      const nats = { servers: [server.url], replicas: 1, prefix };
      const link = async (client: string) => {
        const opened = await openLink(nats, client, log);
        closing.push(() => opened.nc.close());
        return opened;
      };
      return {
        server,
        prefix,
        link,
        async gateway({ waitingS = 30 } = {}) {
          const counted = createCounted();
          const config = { nats, waitingS, deadlineS: 60 };
          const side = await openGatewaySide({ link: await link('gateway'), config, counted, log });
          closing.push(() => side.close());
          await until(() => side.unready() === undefined, 'an engine is known');
          return { ...side, counted };
        },
        async engine({ stepMs = 0, room = 6, wrap = (dispatch: Dispatch) => dispatch } = {}) {
          const counted = createCounted();
          const { dispatch, session } = inlineEngine(stepMs);
          await Promise.resolve();
          const options = {
            link: await link('engine'),
            config: nats,
            dispatch: wrap(dispatch),
            room,
            leaseMs,
            counted,
            log,
          };
          const side = await startEngineSide(options);
          closing.push(() => side.drain(2_100));
          return { ...side, counted, steps: () => session.calls.length };
        },
      };
    });
  });
}
