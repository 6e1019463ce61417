import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawing, wrap } from '../../scripts/local/drawing.ts';
import type { AcceptedEvent, StepEvent } from '../../shared/contract/stream.ts';

const accepted: AcceptedEvent = {
  type: 'accepted',
  id: 'gen_1',
  model: 'm',
  revision: 'r',
  seed: 1,
  index: 0,
  positions: 4,
  fixed: [{ position: 0, text: 'Dear ' }],
  steps: 12,
};

function step(number: number, position: number, text: string, bytes?: string): StepEvent {
  const committed = [{ position, text, ...(bytes === undefined ? {} : { bytes }), confidence: 1 }];
  return { type: 'step', index: 0, step: number, committed, remasked: [], masks_left: 3 - number };
}

// 'é' is spread over two tokens, and the second comes first.
const steps = [step(1, 2, '\ufffdf\n', 'a9660a'), step(2, 1, 'h\ufffd', '68c3'), step(3, 3, 'x')];

async function draw(screen: { isTTY?: boolean; columns?: number }, colours = false) {
  const written: string[] = [];
  const picture = drawing({ ...screen, write: (text) => written.push(text) }, colours);
  await picture.accepted(accepted);
  for (const event of steps) await picture.step(event);
  return { written, text: picture.text() };
}

/** What a terminal shows after it was written to: cursor up, carriage return and erase below are all we use. */
function screenOf(written: readonly string[]): string[] {
  const lines = [''];
  let row = 0;
  const pieces = new RegExp(`${String.fromCharCode(27)}\\[(\\d*)([A-Za-z])|([\\s\\S])`, 'g');
  for (const part of written.join('').matchAll(pieces)) {
    const [, count, command, character] = part;
    if (command === 'A') row -= Number(count);
    else if (command === 'J') lines.splice(row, lines.length - row, '');
    else if (character === '\n') lines[++row] ??= '';
    else if (character !== undefined && character !== '\r') lines[row] += character;
  }
  return lines;
}

describe('drawing', () => {
  it('is a line a step where there is no terminal, with nothing but text', async () => {
    const { written, text } = await draw({});
    expect(written).toEqual([
      'step  0/12  Dear ░░░\n',
      'step  1/12  Dear ░\ufffdf⏎░\n',
      'step  2/12  Dear héf⏎░\n',
      'step  3/12  Dear héf⏎x\n',
    ]);
    expect(text).toBe('Dear héf\nx');
  });

  it.each([false, true])('replaces each frame by the next on a terminal, colours %s', async (colours) => {
    const { written } = await draw({ isTTY: true, columns: 40 }, colours);
    expect(screenOf(written)).toEqual(['step  3/12 · 0 masked', 'Dear héf', 'x', '']);
    expect(written.join('').includes('\x1b[32m')).toBe(colours);
  });

  it('stays in place on a narrow terminal', async () => {
    const { written } = await draw({ isTTY: true, columns: 8 }, true);
    expect(screenOf(written)).toEqual(['step  3', 'Dear hé', 'f', 'x', '']);
  });
});

describe('wrap', () => {
  it('loses nothing and keeps to the width', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'é', '🦊', ' ', '\n') }),
        fc.integer({ min: 1, max: 9 }),
        (text, width) => {
          const lines = wrap(text, width);
          expect(lines.join('')).toBe(text.replaceAll('\n', ''));
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
