import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { ModelState } from '../../gpu-backend/model/pool.ts';
import { modelLog } from '../../gpu-backend/model-log.ts';

it('the log tells that a model loads, the quarters of what takes long, the seconds at the end, and why it failed', () => {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const log = modelLog(
    pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) }),
    () => now,
  );
  const tell = (seconds: number, state: Omit<ModelState, 'id'>) => {
    now = seconds * 1000;
    log({ id: 'm', ...state });
  };
  tell(0, { state: 'unloaded' });
  tell(0, { state: 'loading' });
  tell(0.1, { state: 'loading', phase: 'verifying', progress: 1 });
  for (let s = 1; s <= 20; s++) tell(s, { state: 'loading', phase: 'quantising', progress: s / 20 });
  tell(21, { state: 'loading', phase: 'opening', progress: 0 });
  tell(23.5, { state: 'ready' });
  tell(30, { state: 'unloaded' });
  tell(40, { state: 'loading' });
  tell(41, { state: 'unloaded', fault: 'the file is gone' });
  expect(lines.map(({ level, msg, phase, percent, seconds }) => [level, msg, phase, percent, seconds])).toEqual([
    [30, 'loading model', undefined, undefined, undefined],
    [30, 'loading model', 'quantising', 0, 1],
    [30, 'loading model', 'quantising', 25, 5],
    [30, 'loading model', 'quantising', 50, 10],
    [30, 'loading model', 'quantising', 75, 15],
    [30, 'loading model', 'quantising', 100, 20],
    [30, 'loading model', 'opening', 0, 21],
    [30, 'model ready', undefined, undefined, 23.5],
    [30, 'model unloaded', undefined, undefined, undefined],
    [30, 'loading model', undefined, undefined, undefined],
    [50, 'model cannot be loaded', undefined, undefined, 1],
  ]);
  expect(lines.at(-1)).toMatchObject({ model: 'm', fault: 'the file is gone' });
});
