import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomSpanId, randomTraceId, readTraceparent, writeTraceparent } from '../../../shared/contract/trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('a traceparent', () => {
  it('reads as it was written', () => {
    fc.assert(
      fc.property(fc.boolean(), (sampled) => {
        const context = { traceId: randomTraceId(), spanId: randomSpanId(), sampled };
        expect(readTraceparent(writeTraceparent(context))).toEqual(context);
      }),
    );
  });

  // https://www.w3.org/TR/trace-context/#versioning-of-traceparent and #trace-id
  it.each([
    ['recorded', `00-${TRACE}-${SPAN}-01`, true],
    ['not recorded', `00-${TRACE}-${SPAN}-00`, false],
    ['with a flag we do not know', `00-${TRACE}-${SPAN}-03`, true],
    ['of a later version', `cc-${TRACE}-${SPAN}-01`, true],
    ['of a later version with more behind', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be`, true],
  ])('%s is taken', (_, header, sampled) => {
    expect(readTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['zeros for a trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['zeros for a span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['the version that is none', `ff-${TRACE}-${SPAN}-01`],
    ['more behind in version 00', `00-${TRACE}-${SPAN}-01-more`],
    ['more without a dash', `cc-${TRACE}-${SPAN}-01more`],
    ['a short one', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ])('%s is not', (_, header) => {
    expect(readTraceparent(header)).toBeUndefined();
  });
});
