/** What an account used and has, and how money comes to it. */
import { topUpSchema } from '../../edge/billing/checkout.ts';
import { USAGE_KINDS } from '../../edge/billing/entry.ts';
import { GROUPS } from '../../edge/billing/usage.ts';
import { reference } from './document.ts';
import { IDEMPOTENCY_KEY } from './generations.ts';
import { PAGE, PAGE_PROBLEMS } from './keys.ts';
import type { JsonSchema, Operation, Parameter } from './operation.ts';
import { listOf, object } from './schemas.ts';

const text = { type: 'string' } as const;
const natural = { type: 'integer', minimum: 0 } as const;
const whole = { type: 'integer' } as const;
const mode = { enum: ['live', 'test'] } as const;
const day = { type: 'string', format: 'date' } as const;
const money = { currency: { const: 'usd' }, unit: { const: 'micro_dollars' } };
const kind = { enum: ['computed', 'cached', 'joined', 'top_up', 'grant', 'refund', 'adjustment'] } as const;

const amounts = { requests: natural, texts: natural, work: natural, micro_dollars: natural };

export const BILLING_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  UsageReport: object({
    object: { const: 'usage' },
    mode,
    from: day,
    to: day,
    group: { enum: GROUPS },
    data: listOf(
      object(
        {
          day,
          key: text,
          model: text,
          preset: text,
          ...amounts,
          by_origin: { type: 'object', additionalProperties: object(amounts) },
        },
        GROUPS,
      ),
    ),
    total: object(amounts),
  }),
  Requests: object({
    object: { const: 'list' },
    mode,
    data: listOf(
      object(
        {
          id: text,
          at: { type: 'string', format: 'date-time' },
          origin: { enum: USAGE_KINDS },
          model: text,
          key: text,
          preset: text,
          texts: natural,
          work: natural,
          micro_dollars: natural,
        },
        ['preset'],
      ),
    ),
    has_more: { type: 'boolean' },
  }),
  Balance: object({ object: { const: 'balance' }, mode, ...money, balance: whole, held: natural, available: whole }),
  Entries: object({
    object: { const: 'list' },
    mode,
    data: listOf(
      object(
        {
          seq: { type: 'integer', minimum: 1 },
          id: text,
          kind,
          amount: whole,
          balance: whole,
          at: natural,
          key: text,
          model: text,
          work: natural,
          texts: natural,
          preset: text,
        },
        ['key', 'model', 'work', 'texts', 'preset'],
      ),
    ),
    has_more: { type: 'boolean' },
  }),
  Statement: object({
    object: { const: 'statement' },
    month: { type: 'string', pattern: '^\\d{4}-\\d{2}$' },
    mode,
    ...money,
    opening_balance: whole,
    entries: {
      type: 'object',
      propertyNames: kind,
      additionalProperties: object({ count: natural, micro_dollars: whole }),
    },
    closing_balance: whole,
    complete: { type: 'boolean' },
  }),
  TopUp: object(
    {
      object: { const: 'top_up' },
      id: text,
      url: { type: 'string', format: 'uri' },
      amount_micro_dollars: natural,
      mode,
      expires_at: natural,
    },
    ['expires_at'],
  ),
  WebhookReceived: object({
    received: { const: true },
    outcome: { enum: ['credited', 'refunded', 'ignored', 'refused'] },
  }),
};

const MODE: Parameter = {
  name: 'mode',
  in: 'query',
  description: 'That of the key by default; a test key sees test only.',
  schema: mode,
};
const json = (description: string, name: string) => ({
  200: { description, content: { 'application/json': reference(name) } },
});

export const BILLING_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/usage',
    id: 'readUsage',
    group: 'Money',
    summary: 'Requests, texts, work and what they cost, by day, key, model or preset',
    access: { scope: 'usage' },
    parameters: [
      { name: 'from', in: 'query', description: 'First day, UTC.', schema: day },
      { name: 'to', in: 'query', description: 'Last day, UTC.', schema: day },
      { name: 'group', in: 'query', description: '`day` by default.', schema: { enum: GROUPS } },
      { name: 'format', in: 'query', description: '`json` by default.', schema: { enum: ['json', 'csv'] } },
      MODE,
    ],
    answers: {
      200: {
        description: 'The usage.',
        content: { 'application/json': reference('UsageReport'), 'text/csv': { type: 'string' } },
      },
    },
    problems: PAGE_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1/requests',
    id: 'listRequests',
    group: 'Money',
    summary: 'The latest requests, newest first, and what each did cost',
    description: 'A request is here within a second or two of its end.',
    access: { scope: 'usage' },
    parameters: [...PAGE, MODE],
    answers: json('The requests.', 'Requests'),
    problems: PAGE_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1/balance',
    id: 'readBalance',
    group: 'Money',
    summary: 'What the account has, from its ledger',
    access: { scope: 'usage' },
    parameters: [MODE],
    answers: json('The balance.', 'Balance'),
    problems: PAGE_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1/entries',
    id: 'listEntries',
    group: 'Money',
    summary: 'Every movement of money, oldest first; the balance is their sum',
    access: { scope: 'usage' },
    parameters: [
      MODE,
      { name: 'after', in: 'query', description: 'Number of the last entry of the page before.', schema: natural },
      {
        name: 'limit',
        in: 'query',
        description: '100 by default.',
        schema: { type: 'integer', minimum: 1, maximum: 500 },
      },
    ],
    answers: json('The entries.', 'Entries'),
    problems: PAGE_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1/statements/{month}',
    id: 'readStatement',
    group: 'Money',
    summary: 'A month: what was there, what moved it, what is there',
    access: { scope: 'usage' },
    parameters: [
      { name: 'month', in: 'path', description: 'UTC.', schema: { type: 'string', pattern: '^\\d{4}-\\d{2}$' } },
      MODE,
    ],
    answers: json('The statement.', 'Statement'),
    problems: PAGE_PROBLEMS,
  },
  {
    method: 'post',
    path: '/v1/top-ups',
    id: 'createTopUp',
    group: 'Money',
    summary: 'A page of Stripe to pay on',
    access: { scope: 'billing' },
    parameters: [IDEMPOTENCY_KEY],
    body: {
      name: 'TopUpRequest',
      schema: topUpSchema,
      examples: {
        ten_dollars: {
          amount_micro_dollars: 10_000_000,
          success_url: 'https://shop.example.com/paid',
          cancel_url: 'https://shop.example.com/not-paid',
        },
      },
    },
    answers: { 201: { description: 'The page.', content: { 'application/json': reference('TopUp') } } },
    problems: [
      'not_configured',
      'upstream_failed',
      'idempotency_in_progress',
      'idempotency_mismatch',
      'ledger_unavailable',
    ],
  },
  {
    method: 'post',
    path: '/v1/webhooks/stripe',
    id: 'takeStripeEvent',
    group: 'Money',
    summary: 'What Stripe tells of payments, signed by it',
    access: 'webhook',
    answers: json('Taken; Stripe need not send it again.', 'WebhookReceived'),
    problems: ['not_configured', 'bad_signature', 'malformed_json', 'body_too_large', 'ledger_unavailable'],
  },
];
