/** Keys, the audit log, and the administrator's routes. */
import { SCOPES } from '../../edge/caller.ts';
import { keySchema } from '../../edge/keys/asked.ts';
import { accountSchema, changeSchema, creditSchema } from '../../edge/routes/admin.ts';
import { rotationSchema } from '../../edge/routes/keys.ts';
import { reference } from './document.ts';
import type { JsonSchema, Operation, Parameter } from './operation.ts';
import { listOf, object, optional } from './schemas.ts';

const text = { type: 'string' } as const;
const natural = { type: 'integer', minimum: 0 } as const;
const time = { type: 'string', format: 'date-time' } as const;
const mode = { enum: ['live', 'test'] } as const;

const key = {
  object: { const: 'key' },
  id: text,
  name: text,
  kind: { enum: ['secret', 'publishable'] },
  mode,
  last4: text,
  state: { enum: ['active', 'expired', 'revoked'] },
  scopes: listOf({ enum: SCOPES }),
  origins: listOf(text),
  requests_per_minute: natural,
  monthly_limit_micro_dollars: optional(natural),
  created_at: time,
  expires_at: optional(time),
  revoked_at: optional(time),
  rotates: optional(text),
};
const balance = object({ balance_micro_dollars: { type: 'integer' }, held_micro_dollars: natural });
const account = {
  object: { const: 'account' },
  id: text,
  name: text,
  email: optional(text),
  log_prompts: { type: 'boolean' },
  created_at: time,
  closed_at: optional(time),
  balances: object({ live: balance, test: balance }),
};

export const pageOf = (items: JsonSchema) =>
  object({ object: { const: 'list' }, data: listOf(items), has_more: { type: 'boolean' } });

export const KEY_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Key: object(key, ['origins']),
  NewKey: {
    ...(object({ ...key, key: text }, ['origins']) as object),
    description: '`key` is shown this once.',
  },
  Keys: pageOf(reference('Key')),
  AuditEntries: pageOf(
    object({
      object: { const: 'audit_entry' },
      id: text,
      at: time,
      actor: text,
      action: text,
      target: optional(text),
      request: optional(text),
      details: {},
    }),
  ),
  Account: object({ ...account, keys: listOf(reference('Key')) }, ['keys']),
  NewAccount: object({ ...account, keys: listOf(reference('NewKey')) }),
  Credit: object({
    account: text,
    mode,
    credited_micro_dollars: { type: 'integer' },
    balance_micro_dollars: { type: 'integer' },
    held_micro_dollars: natural,
  }),
};

export const PAGE: readonly Parameter[] = [
  {
    name: 'limit',
    in: 'query',
    description: 'Items of a page; 20 by default.',
    schema: { type: 'integer', minimum: 1, maximum: 100 },
  },
  { name: 'after', in: 'query', description: 'Id of the last item of the page before.', schema: text },
];
export const PAGE_PROBLEMS = ['invalid_request', 'unknown_field', 'ledger_unavailable'] as const;

const keyId: Parameter = { name: 'id', in: 'path', description: 'Of a key, key_...', schema: text };
const accountId: Parameter = { name: 'id', in: 'path', description: 'Of an account, acc_...', schema: text };
const answers = (status: number, description: string, name: string) => ({
  [status]: { description, content: { 'application/json': reference(name) } },
});

const KEY_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/keys',
    id: 'createKey',
    group: 'Keys',
    summary: 'Make a key, with no more rights than the one that asks',
    access: { scope: 'keys' },
    body: {
      name: 'KeyRequest',
      schema: keySchema,
      examples: {
        secret: { name: 'newsletter', scopes: ['generate'], monthly_limit_micro_dollars: 5_000_000 },
        publishable: {
          name: 'shop window',
          kind: 'publishable',
          origins: ['https://shop.example.com'],
          monthly_limit_micro_dollars: 1_000_000,
        },
      },
    },
    answers: answers(201, 'The key, shown this once.', 'NewKey'),
    problems: ['conflict', 'ledger_unavailable'],
  },
  {
    method: 'get',
    path: '/v1/keys',
    id: 'listKeys',
    group: 'Keys',
    summary: 'The keys of the account, without the keys themselves',
    access: { scope: 'keys' },
    parameters: PAGE,
    answers: answers(200, 'The keys.', 'Keys'),
    problems: PAGE_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1/keys/{id}',
    id: 'readKey',
    group: 'Keys',
    summary: 'One key',
    access: { scope: 'keys' },
    parameters: [keyId],
    answers: answers(200, 'The key, without the key itself.', 'Key'),
    problems: ['unknown_key', 'ledger_unavailable'],
  },
  {
    method: 'delete',
    path: '/v1/keys/{id}',
    id: 'revokeKey',
    group: 'Keys',
    summary: 'Revoke a key: from now on it spends nothing, within a minute it reads nothing',
    access: { scope: 'keys' },
    parameters: [keyId],
    answers: answers(200, 'The revoked key.', 'Key'),
    problems: ['unknown_key', 'ledger_unavailable'],
  },
  {
    method: 'post',
    path: '/v1/keys/{id}/rotate',
    id: 'rotateKey',
    group: 'Keys',
    summary: 'A second key with the terms of the first, which ends after an overlap',
    access: { scope: 'keys' },
    parameters: [keyId],
    body: { name: 'RotationRequest', schema: rotationSchema, examples: { hour: { overlap_seconds: 3600 } } },
    answers: answers(201, 'The new key, shown this once.', 'NewKey'),
    problems: ['unknown_key', 'conflict', 'ledger_unavailable'],
  },
  {
    method: 'get',
    path: '/v1/audit',
    id: 'listAudit',
    group: 'Keys',
    summary: 'Who changed what of the account, newest first',
    access: { scope: 'keys' },
    parameters: PAGE,
    answers: answers(200, 'The entries.', 'AuditEntries'),
    problems: PAGE_PROBLEMS,
  },
];

const ADMIN_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/admin/accounts',
    id: 'openAccount',
    group: 'Administration',
    summary: 'Open an account, with its first keys',
    access: 'admin',
    body: {
      name: 'AccountRequest',
      schema: accountSchema,
      examples: { opened: { name: 'Shop', grant_micro_dollars: { test: 10_000_000 } } },
    },
    answers: answers(201, 'The account and its keys, shown this once.', 'NewAccount'),
    problems: ['ledger_unavailable'],
  },
  {
    method: 'get',
    path: '/v1/admin/accounts/{id}',
    id: 'readAccount',
    group: 'Administration',
    summary: 'An account, its balances and active keys',
    access: 'admin',
    parameters: [accountId],
    answers: answers(200, 'The account.', 'Account'),
    problems: ['unknown_account', 'ledger_unavailable'],
  },
  {
    method: 'patch',
    path: '/v1/admin/accounts/{id}',
    id: 'changeAccount',
    group: 'Administration',
    summary: 'Close an account or open it again; log what it asks for, or no longer',
    access: 'admin',
    parameters: [accountId],
    body: { name: 'AccountChange', schema: changeSchema, examples: { closed: { closed: true } } },
    answers: answers(200, 'The account.', 'Account'),
    problems: ['unknown_account', 'ledger_unavailable'],
  },
  {
    method: 'post',
    path: '/v1/admin/accounts/{id}/keys',
    id: 'createAccountKey',
    group: 'Administration',
    summary: 'Make a key for an account',
    access: 'admin',
    parameters: [accountId],
    body: { name: 'KeyRequest', schema: keySchema, examples: { secret: { name: 'replacement' } } },
    answers: answers(201, 'The key, shown this once.', 'NewKey'),
    problems: ['unknown_account', 'conflict', 'missing_scope', 'ledger_unavailable'],
  },
  {
    method: 'post',
    path: '/v1/admin/accounts/{id}/credits',
    id: 'creditAccount',
    group: 'Administration',
    summary: 'Give an account credit, once for each id, or adjust it',
    access: 'admin',
    parameters: [accountId],
    body: {
      name: 'CreditRequest',
      schema: creditSchema,
      examples: { grant: { id: 'welcome', mode: 'live', kind: 'grant', micro_dollars: 5_000_000 } },
    },
    answers: answers(200, 'What it came to.', 'Credit'),
    problems: ['unknown_account', 'ledger_unavailable'],
  },
];

export const ACCOUNT_OPERATIONS: readonly Operation[] = [...KEY_OPERATIONS, ...ADMIN_OPERATIONS];
