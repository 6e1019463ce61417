import { describe, expect, it } from 'vitest';
import { edge, model } from './upstream.ts';

interface Refusal {
  code: string;
  pointer: string;
  detail: string;
  conflict?: string[];
  achievable?: string;
}

const prompt = 'p';

const REFUSED: [string, object, object][] = [
  ['an unclosed hole', { template: 'Dear {{name' }, { code: 'invalid_template', pointer: '/template' }],
  ['a hole twice', { template: '{{a}} {{a}}' }, { code: 'invalid_template', pointer: '/template' }],
  [
    'a hole that the template lacks',
    { template: '{{a}}', holes: { b: {} } },
    { code: 'invalid_request', pointer: '/holes/b' },
  ],
  ['holes without a template', { prompt, holes: { b: {} } }, { code: 'invalid_request', pointer: '/holes' }],
  ['a back-reference', { regex: '(a)\\1' }, { code: 'unsupported_constraint', pointer: '/regex' }],
  ['a broken regex', { regex: '(a' }, { code: 'invalid_request', pointer: '/regex' }],
  [
    'a keyword of JSON Schema that is not enforced',
    { json_schema: { not: { type: 'string' } } },
    { code: 'unsupported_constraint', pointer: expect.stringMatching(/^\/json_schema/) },
  ],
  [
    'a least above the most',
    { prompt, length: { unit: 'words', min: 5, max: 4 } },
    { code: 'unsatisfiable_constraints' },
  ],
  [
    'a template longer than its length',
    { template: 'twelve chars{{a}}', length: { unit: 'characters', max: 9 } },
    { code: 'unsatisfiable_constraints', conflict: ['/length', '/template'] },
  ],
  [
    'a phrase that is in and out',
    { prompt, include: ['sale'], exclude: ['sal'] },
    { code: 'unsatisfiable_constraints', conflict: ['/exclude/0', '/include/0'] },
  ],
  [
    'more text than the model holds',
    { prompt, length: { unit: 'characters', min: 4096 } },
    { code: 'unsatisfiable_constraints' },
  ],
  [
    'guidance twice',
    { style: { name: 'slogan', strength: 1 }, diffusion: { guidance: 1 } },
    { code: 'invalid_request', pointer: '/style/strength' },
  ],
];

describe('what cannot be', () => {
  it.each(REFUSED)('%s is refused before the backend is called', async (_name, body, expected) => {
    const { ask, generations } = await edge();
    const response = await ask(body);
    const refusal = (await response.json()) as Refusal;
    const { conflict, ...rest } = expected as Partial<Refusal>;
    expect(refusal).toMatchObject(rest);
    if (conflict !== undefined) expect([...(refusal.conflict ?? [])].sort()).toEqual(conflict);
    if (refusal.code === 'unsatisfiable_constraints') expect(refusal.achievable).toMatch(/\S/);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(generations()).toBe(0);
  });

  it('is a prompt that leaves no room for a text', async () => {
    const { ask, state } = await edge();
    state.models = [{ ...model, context: 64 }];
    // 64 tokens of at most 16 bytes hold 1024 bytes.
    const response = await ask({ prompt: 'x'.repeat(1024) });
    expect(await response.json()).toMatchObject({ code: 'limit_exceeded', pointer: '/prompt' });
    expect((await ask({ prompt: 'x'.repeat(512) })).status).toBe(200);
  });

  it('is guidance on a model that was not trained for it', async () => {
    const { ask, state } = await edge();
    state.models = [{ ...model, supports: { editing: true, guidance: false } }];
    const guided: [object, string][] = [
      [{ prompt, diffusion: { guidance: 1 } }, '/diffusion/guidance'],
      [{ style: { name: 'slogan', strength: 1 } }, '/style/strength'],
    ];
    for (const [body, pointer] of guided) {
      expect(await (await ask(body)).json()).toMatchObject({ code: 'invalid_request', pointer });
    }
    expect((await ask({ prompt, diffusion: { guidance: 0 } })).status).toBe(200);
  });
});

describe('sampler settings that cannot be', () => {
  it('are refused before the backend is called', async () => {
    const { ask, state, generations } = await edge();
    state.models = [{ ...model, supports: { editing: false, guidance: true } }];
    const misplaced: [object, string][] = [
      [{ sampler: 'joint-threshold' }, '/diffusion/sampler'],
      [{ sampler: 'klass', gamma: 1 }, '/diffusion/gamma'],
      [{ kl_threshold: 0.1 }, '/diffusion/kl_threshold'],
      [{ sampler: 'remdm', t_off: 0.1 }, '/diffusion/t_off'],
      [{ sampler: 'remdm', remask: 'loop', t_on: 0.2, t_off: 0.4 }, '/diffusion/t_off'],
      [{ sampler: 'threshold', position_temperature: 1 }, '/diffusion/position_temperature'],
      [{ repetition_penalty: 0.9 }, '/diffusion/repetition_penalty'],
    ];
    for (const [diffusion, pointer] of misplaced) {
      expect(await (await ask({ prompt, diffusion })).json()).toMatchObject({ code: 'invalid_request', pointer });
    }
    expect(generations()).toBe(0);
    const able = await edge();
    const editing = { prompt, diffusion: { sampler: 'joint-threshold', edit_threshold: 0.9, repetition_penalty: 1.2 } };
    expect((await able.ask({ ...editing, cache: 'no-store' })).status).toBe(200);
  });
});

describe('what can be', () => {
  it.each([
    { template: 'Dear {{name:words=1..2}}, {{b}}.', holes: { b: { regex: '[a-z ]{4,9}' } } },
    { choices: ['yes', 'no'] },
    { template: 'Only {{fact:price}} today: {{offer}}', facts: { price: 9.5 } },
    {
      prompt,
      length: [
        { unit: 'words', max: 9 },
        { unit: 'characters', exact: 40 },
      ],
      include: ['now'],
    },
  ])('%j passes', async (body) => {
    const { ask, generations } = await edge();
    expect((await ask({ ...body, cache: 'no-store' })).status).toBe(200);
    expect(generations()).toBe(1);
  });
});
