/**
 * Requests made to hurt: each must get a bounded answer, whatever the answer is.
 */
const nested = (depth: number): Record<string, unknown> =>
  depth === 0 ? { type: 'string' } : { type: 'object', properties: { a: nested(depth - 1) }, required: ['a'] };

const counted = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** By name; bodies as they would arrive, valid or not. */
export const HOSTILE_REQUESTS: Readonly<Record<string, unknown>> = {
  'nested repetition': { regex: '((a|aa)+)+b' },
  'nested counted repetition': { regex: '((a{0,50}){0,50}){0,50}b' },
  'a state for every subset': { regex: '.*a.{20}' },
  'subsets thrice': { regex: '(.*a.{12}){3}' },
  'overlapping Unicode properties': { regex: '[\\p{L}]{1,100}[\\p{L}\\p{N}]{1,100}' },
  'ambiguous rounds': { regex: '([ab]{1,30}c?){1,30}' },
  'a long literal': { regex: 'a{4000}' },
  'many alternatives': { regex: counted(180, (i) => `w${i * 7919}z`).join('|') },
  'a regex that grows in each of 64 holes': {
    template: counted(64, (i) => `{{h${i}}}`).join(' '),
    holes: Object.fromEntries(counted(64, (i) => [`h${i}`, { regex: `(a|b)*a.{8}${i}` }])),
  },
  'patterns that grow in a schema': {
    json_schema: {
      type: 'object',
      properties: Object.fromEntries(
        counted(50, (i) => [`k${i}`, { type: 'string', pattern: `^(a|b)*a.{${4 + (i % 6)}}$` }]),
      ),
    },
  },
  'a reference to itself': { json_schema: { $ref: '#' } },
  'a recursive schema': {
    json_schema: {
      $defs: {
        n: { type: 'object', properties: { v: { type: 'integer' }, next: { $ref: '#/$defs/n' } }, required: ['v'] },
      },
      $ref: '#/$defs/n',
    },
  },
  'a deep schema': { json_schema: nested(60) },
  'a wide schema': {
    json_schema: { type: 'object', properties: Object.fromEntries(counted(400, (i) => [`k${i}`, { type: 'string' }])) },
  },
  'many alternatives of objects': {
    json_schema: {
      anyOf: counted(200, (i) => ({ type: 'object', properties: { [`k${i}`]: { type: 'integer', minimum: i } } })),
    },
  },
  '10,000 phrases': { prompt: 'x', include: counted(10_000, (i) => `p${i}`) },
  '64 phrases to leave out': {
    prompt: 'x',
    exclude: counted(64, (i) => ({
      text: `phrase number ${i * 7919} is bad`,
      case_sensitive: false,
      whole_word: true,
    })),
  },
  'eight long phrases': {
    prompt: 'x',
    include: counted(8, (i) => `${String.fromCharCode(97 + i).repeat(2)}${' lorem ipsum'.repeat(15)}`.slice(0, 190)),
  },
  'a template of 1 MB': { template: 'x'.repeat(1 << 20) },
  '64 holes': { template: counted(64, (i) => `lorem ipsum ${i} {{h${i}:words=1..4}} `).join('') },
  'an unclosed hole, 4,000 times': { template: '{{'.repeat(4_000) },
  'half a surrogate pair': { template: 'a\ud800b{{x}}' },
  'joined emoji': { template: '😀{{x:chars=3..9}}😀', include: ['👩‍👩‍👧'] },
  'right-to-left text': { template: 'שלום {{x:words=2}} مرحبا' },
  'holes of nothing': { template: '{{x:chars=0}}{{y:tokens=0}}' },
  'more characters than fit': { prompt: 'x', length: { unit: 'characters', min: 4_096 } },
  'three lengths at once': {
    prompt: 'x',
    length: [
      { unit: 'words', min: 100 },
      { unit: 'characters', exact: 500 },
      { unit: 'sentences', exact: 12 },
    ],
  },
};
