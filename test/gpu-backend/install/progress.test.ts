/** The progress line: on a terminal redrawn, in a log now and then. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { progressOn, readableBytes } from '../../../gpu-backend/install/progress.ts';

describe('readableBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [123_456, '123 kB'],
    [999_700, '1.0 MB'],
    [4.25e9, '4.3 GB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(readableBytes(bytes)).toBe(text);
  });
});

/** What is written in 30 steps of a second each. */
function written(terminal: boolean): string {
  let clock = 0;
  const stream = Object.assign(new PassThrough(), { isTTY: terminal });
  const progress = progressOn(stream, () => clock);
  for (let done = 1; done <= 30; done++) {
    clock += 1000;
    progress.update('model.safetensors', done * 1e6, 30e6);
  }
  progress.say('done');
  progress.end();
  return String(stream.read());
}

describe('progress', () => {
  it('is one line on a terminal, cleared before a line that stays', () => {
    const text = written(true);
    expect(text.split('\n')).toEqual([expect.stringMatching(/\r +\rdone$/), '']);
    expect(text.match(/\r█/g)?.length).toBeGreaterThan(20);
    expect(text).toContain('100 %  30.0 MB of 30.0 MB  model.safetensors');
  });

  it('is a line in ten seconds in a log, and the last', () => {
    const lines = written(false).trimEnd().split('\n');
    expect(lines.map((line) => line.match(/\d+ %/)?.[0])).toEqual(['3 %', '36 %', '70 %', '100 %', undefined]);
  });
});
