import { describe, expect, it } from 'vitest';
import { ndjsonStream } from '../../../gpu-backend/http/ndjson.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const line = (n: number) => new TextEncoder().encode(`{"seq":${n}}\n`);
const quiet = { onLeave: () => {}, onStall: () => {} };

/** Lines without end, one each `ms`; how many were made, and whether they were told to end. */
function endless(ms = 0) {
  const state = { made: 0, ended: false };
  async function* lines() {
    try {
      for (;;) {
        if (ms > 0) await pause(ms);
        yield line(++state.made);
      }
    } finally {
      state.ended = true;
    }
  }
  return { state, lines: lines() };
}

describe('ndjsonStream', () => {
  it('makes a line when it is asked for one, and none ahead', async () => {
    const { state, lines } = endless();
    const reader = ndjsonStream(line(0), lines, quiet).getReader();
    for (let n = 0; n < 3; n++) expect((await reader.read()).value).toEqual(line(n));
    await pause(10);
    expect(state.made).toBe(2);
    await reader.cancel();
    expect(state.ended).toBe(true);
  });

  it('says with empty lines that it lives, and loses nothing by it', async () => {
    const { lines } = endless(50);
    let keptAlive = 0;
    const options = { ...quiet, keepAliveMs: 15, onKeepAlive: () => keptAlive++ };
    const reader = ndjsonStream(line(0), lines, options).getReader();
    let text = '';
    while (!text.includes('"seq":2')) text += new TextDecoder().decode((await reader.read()).value);
    expect(text.split('\n').filter((part) => part !== '')).toEqual(['{"seq":0}', '{"seq":1}', '{"seq":2}']);
    expect(keptAlive).toBeGreaterThanOrEqual(2);
    expect(text.split('\n').filter((part) => part === '')).toHaveLength(keptAlive + 1);
    await reader.cancel();
  });

  it('tells of a reader who takes nothing, and not of one who is only slow', async () => {
    const { lines } = endless();
    let stalls = 0;
    const reader = ndjsonStream(line(0), lines, { ...quiet, stallMs: 60, onStall: () => stalls++ }).getReader();
    for (let n = 0; n < 4; n++) {
      await reader.read();
      await pause(30);
    }
    expect(stalls).toBe(0);
    await pause(60);
    expect(stalls).toBe(1);
    await reader.cancel();
  });

  it('does not hold silence of the job against the reader', async () => {
    const { lines } = endless(80);
    let stalls = 0;
    const options = { ...quiet, keepAliveMs: 1_000, stallMs: 30, onStall: () => stalls++ };
    const reader = ndjsonStream(line(0), lines, options).getReader();
    await reader.read();
    await reader.read();
    expect(stalls).toBe(0);
    await reader.cancel();
  });
});
