import { describe, expect, it } from 'vitest';
import { createReplayGuard, MEMORY_MS } from '../../../gpu-backend/http/replay.ts';
import { problemOf } from '../../problem-of.ts';

describe('createReplayGuard', () => {
  it('remembers a signature for as long as its time stamp could be accepted', () => {
    const guard = createReplayGuard();
    guard.once('aa', 0);
    expect(problemOf(() => guard.once('AA', MEMORY_MS - 1)).code).toBe('bad_signature');
    guard.once('aa', MEMORY_MS);
  });

  it('refuses newcomers rather than forget', () => {
    const guard = createReplayGuard(2);
    guard.once('a', 0);
    guard.once('b', 10);
    expect(problemOf(() => guard.once('c', 20))).toMatchObject({ code: 'overloaded', retryAfter: 1 });
    expect(problemOf(() => guard.once('a', 20)).code).toBe('bad_signature');
    guard.once('c', MEMORY_MS + 5);
    expect(problemOf(() => guard.once('d', MEMORY_MS + 6)).code).toBe('overloaded');
  });
});
