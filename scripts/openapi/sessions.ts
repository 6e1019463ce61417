/** Client sessions: leave for web pages to run a preset. */
import { clientSessionSchema } from '../../shared/contract/client-session.ts';
import { reference } from './document.ts';
import type { JsonSchema, Operation } from './operation.ts';
import { object } from './schemas.ts';

export const SESSION_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ClientSession: object({
    object: { const: 'client_session' },
    client_secret: { type: 'string', pattern: '^cs_[0-9a-f]+\\.[0-9a-f]{64}$' },
    expires_at: { type: 'string', format: 'date-time' },
    uses: { type: 'integer', minimum: 1 },
  }),
};

const preset = 'preset_4k0w2c9d8e7f6g5h4j3k2m1n';

export const SESSION_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/client_sessions',
    id: 'openClientSession',
    group: 'Presets',
    summary: 'Leave for one page to run one preset a few times within minutes',
    description:
      'With a secret key (scope presets) `origin` is required; with a publishable key (scope run) `turnstile_token` is, and nothing else may be chosen.',
    access: { scope: 'presets' },
    body: {
      name: 'ClientSessionRequest',
      schema: clientSessionSchema,
      examples: {
        server: { preset, origin: 'https://shop.example', uses: 3 },
        page: { preset, turnstile_token: '0.AbC...' },
      },
    },
    answers: {
      201: {
        description: 'The session. Its secret is for the page.',
        content: { 'application/json': reference('ClientSession') },
      },
    },
    problems: [
      ...(['unknown_preset', 'session_required', 'visitor_not_verified', 'upstream_failed'] as const),
      ...(['not_configured', 'conflict', 'ledger_unavailable'] as const),
    ],
  },
];
