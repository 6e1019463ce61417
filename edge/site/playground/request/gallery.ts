/** Real uses to begin with. Each names a seed, so that it gives the text for which it was chosen, and gives it from the cache. */
import type { TextRequest } from '../../../../shared/client/client.ts';

export interface Example {
  readonly name: string;
  readonly title: string;
  /** What it is for, and what holds. */
  readonly about: string;
  readonly request: TextRequest;
}

const BEST = { effort: 'best' } as const;

const notice = (style: string, words: string, temperature: number, seed: number): TextRequest => ({
  style,
  prompt: 'the pool is closed',
  template: `The pool is closed on Monday. {{more:sentences=1,words=${words}}}`,
  temperature,
  seed,
  diffusion: BEST,
});

export const GALLERY: readonly Example[] = [
  {
    name: 'restaurant',
    title: 'Restaurant line',
    about: 'A line for a guide. Its kind is one of four words, and each hole has its number of words.',
    request: {
      style: 'restaurant',
      template: '{{name:words=1..3}} is a {{kind}} near {{place:words=1..4}}. {{verdict:words=4..10}}.',
      holes: { kind: { choices: ['café', 'pub', 'bakery', 'coffee shop'] } },
      temperature: 0.7,
      seed: 7,
    },
  },
  {
    name: 'meta-description',
    title: 'Meta description',
    about: 'For a search result: 120 to 155 characters, so that it is not cut off, with the keyword in it.',
    request: {
      style: 'meta_description',
      prompt: 'a guide to walks in the town',
      include: ['walking guide'],
      length: [{ unit: 'characters', min: 120, max: 155 }],
      temperature: 0.8,
      seed: 3,
      diffusion: BEST,
    },
  },
  {
    name: 'text-message',
    title: 'Text message',
    about: 'One SMS, not two: under 160 characters, whatever the name. The facts stand where the template puts them.',
    request: {
      style: 'sms',
      prompt: 'your table is booked',
      template: 'Hi {{fact:name}}, your table is booked for {{fact:time}}. {{more:sentences=1,words=4..10}}',
      facts: { name: 'Mara', time: '7 pm' },
      length: [{ unit: 'characters', max: 159 }],
      temperature: 0.5,
      seed: 8,
      diffusion: BEST,
    },
  },
  {
    name: 'product-line',
    title: 'Product line',
    about:
      'A line from a record: name and price come from the facts, letter by letter; only what is between is written.',
    request: {
      style: 'product',
      prompt: 'desk lamp',
      template:
        '{{fact:name}}: a {{first:words=1..2}} lamp with a {{second:words=2..5}} for {{use:words=2..5}}. {{fact:price}}.',
      facts: { name: 'Alba desk lamp', price: '€49' },
      temperature: 0.8,
      seed: 4,
      diffusion: BEST,
    },
  },
  {
    name: 'alt-text',
    title: 'Alt text',
    about: 'Says what a picture shows: one sentence of at most 125 characters, without “image of” or “picture of”.',
    request: {
      style: 'alt_text',
      prompt: 'a child with a red umbrella in the rain',
      include: ['red umbrella'],
      exclude: [
        { text: 'image', case_sensitive: false },
        { text: 'picture', case_sensitive: false },
      ],
      length: [
        { unit: 'characters', max: 125 },
        { unit: 'sentences', exact: 1 },
      ],
      temperature: 0.5,
      seed: 10,
      diffusion: BEST,
    },
  },
  {
    name: 'json-card',
    title: 'JSON card',
    about: 'A review for a program to read: always valid under its schema, with no repair and no second try.',
    request: {
      style: 'review_positive',
      prompt: 'a coffee shop',
      json_schema: {
        type: 'object',
        properties: {
          stars: { type: 'integer', minimum: 3, maximum: 5 },
          title: { type: 'string', pattern: '^(The|This|A|My) [a-z]{3,10}( [a-z]{2,10}){1,2}$' },
          again: { type: 'boolean' },
        },
        required: ['stars', 'title', 'again'],
        additionalProperties: false,
      },
      length: [{ unit: 'tokens', max: 28 }],
      temperature: 0.5,
      seed: 4,
      diffusion: BEST,
    },
  },
  {
    name: 'infill',
    title: 'Sentence in between',
    about:
      'What stands before and behind is given, and the model sees both sides: it does not write from left to right.',
    request: {
      style: 'story',
      template:
        'Lily found a little bird under the tree. {{middle:sentences=1,words=6..12}} The bird sang and flew away.',
      temperature: 0.8,
      seed: 5,
      diffusion: BEST,
    },
  },
  {
    name: 'notice-plain',
    title: 'Notice, plain',
    about: 'The first of three reading levels of one notice: plain style, and a sentence of at most seven words.',
    request: notice('notice_plain', '4..7', 0.6, 2),
  },
  {
    name: 'notice-usual',
    title: 'Notice, usual',
    about: 'The second of three reading levels of one notice: eight to eleven words.',
    request: notice('notice_plain', '8..11', 0.9, 5),
  },
  {
    name: 'notice-formal',
    title: 'Notice, formal',
    about: 'The third of three reading levels of one notice: formal style, twelve to twenty words.',
    request: notice('notice_formal', '12..20', 0.6, 10),
  },
  {
    name: 'faq',
    title: 'FAQ answer',
    about: 'An answer of exactly two sentences and at most 140 characters, about what was asked.',
    request: {
      style: 'faq',
      prompt: 'Can I change my order?',
      include: ['order'],
      length: [
        { unit: 'sentences', exact: 2 },
        { unit: 'characters', max: 140 },
      ],
      temperature: 0.8,
      seed: 7,
      diffusion: BEST,
    },
  },
  {
    name: 'quote',
    title: 'Masked quote',
    about: 'A quote with two words masked: what would the model have said? Each hole is one word of small letters.',
    request: {
      template: '“To be, or not to {{verb}}: that is the {{noun}}.”',
      holes: { verb: { regex: '[a-z]+' }, noun: { regex: '[a-z]+' } },
      temperature: 0.5,
      seed: 4,
      diffusion: BEST,
    },
  },
  {
    name: 'likely',
    title: 'How likely?',
    about: 'One of four words, and how likely each of them is: the probabilities are exact and sum to 1.',
    request: {
      style: 'story',
      template: 'The dog ran to the {{place}}.',
      holes: { place: { choices: ['park', 'moon', 'bank', 'kitchen'] } },
      choice_probabilities: true,
      temperature: 0,
    },
  },
  {
    name: 'remasking',
    title: 'Second thoughts',
    about: 'A sampler that masks kept tokens again: look for the crosses in the heat map, and at the steps in between.',
    request: {
      style: 'story',
      prompt: 'a cat in the garden',
      length: [
        { unit: 'sentences', exact: 2 },
        { unit: 'tokens', max: 32 },
      ],
      temperature: 0.5,
      seed: 8,
      diffusion: { sampler: 'remdm', remask: 'rescale', eta: 0.4, steps: 48 },
    },
  },
  {
    name: 'refusal',
    title: 'A refusal',
    about:
      'What cannot be: refused before the model runs, with the constraints that are in each other’s way. It costs nothing.',
    request: {
      style: 'tagline',
      include: ['free delivery on all orders'],
      length: [{ unit: 'characters', max: 20 }],
      exclude: ['!'],
    },
  },
];
