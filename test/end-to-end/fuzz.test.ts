/** The short form of `npm run bench -- fuzz`: random requests, by the document, to a whole local run. */
import { describe, expect, it } from 'vitest';
import { operationsOf } from '../../bench/fuzz/requests.ts';
import { fuzz } from '../../bench/fuzz.ts';
import { describeApi } from '../../scripts/openapi/api.ts';

describe('the API', () => {
  it('answers whatever it is asked as its document says, and never with a failure of its own', async () => {
    const { operations, undescribed, serverErrors, statuses } = await fuzz(600, 7);
    expect(serverErrors).toEqual([]);
    expect(undescribed).toEqual([]);
    expect(operations.size).toBe(operationsOf(describeApi()).length);
    // It is no test of the API when nothing gets through.
    expect(statuses.get(200) ?? 0).toBeGreaterThan(60);
  });
});
