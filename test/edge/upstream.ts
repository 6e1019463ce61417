/**
 * An edge on the real bindings of workerd (D1, KV, Durable Objects, Queues), with an account and keys of its own, in front of an
 * inference service of a few lines inside the test, for what the real one does not do on demand: it counts, fails and breaks off.
 */
import { env as bindings } from 'cloudflare:workers';
import type { Env } from '../../edge/env.ts';
import app from '../../edge/index.ts';
import type { GenerationJob } from '../../shared/contract/generation.ts';
import type { ModelSummary } from '../../shared/contract/manifest.ts';
import { problemBody } from '../../shared/contract/problem.ts';
import { verifyRequest } from '../../shared/contract/signature.ts';
import type { GenerationEvent, TokenText } from '../../shared/contract/stream.ts';

export const SECRET = 'the secret of this test, 32 characters at least';
export const ADMIN_SECRET = 'the-administrator-of-this-test-32-characters-at-least';
export const SESSION_SECRET = 'the-session-secret-of-this-test-32-characters';
/** What both ledgers of an account begin with, in micro-dollars: a thousand dollars. */
export const GRANT = 1_000_000_000;

export const model: ModelSummary = {
  id: 'small',
  title: 'Small',
  description: 'A model of this test',
  revision: 'r1',
  licence: 'Apache-2.0',
  parameters: 1,
  context: 256,
  styles: [
    { name: 'slogan', description: '' },
    { name: 'headline', description: '' },
  ],
  supports: { editing: true, guidance: true },
  longestTokenBytes: 16,
};

/** Events of one text in three tokens, 'Hello ' fixed and 'wörld' in two steps, right to left, its ö torn apart. */
export function recorded(job: GenerationJob, index = 0): GenerationEvent[] {
  const token = (position: number, text: string, bytes?: string): TokenText =>
    bytes === undefined ? { position, text } : { position, text, bytes };
  const { model: name, seed } = job.request;
  const head = { id: job.id, model: name, revision: model.revision, seed, index };
  const usage = {
    positions: 4,
    denoising_steps: 2,
    model_evaluations: 2,
    positions_evaluated: 16,
    committed_per_step: 1.5,
  };
  return [
    { type: 'accepted', ...head, positions: 4, fixed: [token(0, 'Hello ')], steps: 8 },
    {
      type: 'step',
      index,
      step: 1,
      committed: [{ ...token(2, '\ufffdrld', 'b6726c64'), confidence: 0.9 }],
      remasked: [],
      masks_left: 2,
    },
    {
      type: 'step',
      index,
      step: 2,
      committed: [
        { ...token(1, 'w\ufffd', '77c3'), confidence: 0.9 },
        { ...token(3, ''), confidence: 0.8 },
      ],
      remasked: [],
      masks_left: 0,
    },
    { type: 'done', index, text: 'Hello wörld', holes: { name: 'wörld' }, constraints: [], usage },
  ];
}

export type Behaviour = (job: GenerationJob, signal: AbortSignal | null | undefined) => Response | Promise<Response>;

/** Events as the service writes them: each with its number, from `first` on. */
export function ndjson(events: readonly object[], first = 0): Response {
  const headers = { 'content-type': 'application/x-ndjson' };
  const lines = events.map((event, n) => `${JSON.stringify({ seq: first + n, ...event })}\n`);
  return new Response(lines.join(''), { headers });
}

const wellBehaved: Behaviour = (job) =>
  ndjson(Array.from({ length: job.request.n ?? 1 }, (_, index) => recorded(job, index)).flat());

/** A service that knows no job any more. */
const gone = (_id: string, _owner: string | null, _after: number): Response =>
  Response.json(problemBody({ code: 'stream_gone', detail: 'gone' }), { status: 410 });

let instances = 0;

/** What workerd gives a request to go on behind its answer with. `settled`: all that went on has ended. */
export function executionContext() {
  const going: Promise<unknown>[] = [];
  return {
    props: {},
    waitUntil: (work: Promise<unknown>) => void going.push(work),
    passThroughOnException: () => {},
    async settled() {
      // What goes on may make more go on.
      for (let known = -1; known < going.length; ) {
        known = going.length;
        await Promise.all(going);
      }
    },
  };
}

/** What `POST /v1/admin/accounts` answers, as far as tests need it. */
export interface OpenedAccount {
  readonly id: string;
  readonly keys: readonly { readonly id: string; readonly key: string; readonly mode: 'live' | 'test' }[];
}

/** An edge with its own upstream and account: what was asked of the upstream is counted, what it does can be changed. */
export async function edge(asked: Readonly<Record<string, unknown>> = {}) {
  const calls: string[] = [];
  const jobs: GenerationJob[] = [];
  const context = executionContext();
  const state = { behave: wellBehaved, resume: gone, models: [model] as unknown, down: false };
  const env: Env = {
    ...bindings,
    ADMIN_SECRET,
    SESSION_SECRET,
    // A name of its own for each, as the edge remembers models by it.
    BACKEND_URL: `http://upstream-${instances++}.invalid`,
    BACKEND_SECRET: SECRET,
    BACKEND: {
      async fetch(url, init) {
        if (state.down) throw new Error('connection refused');
        const { pathname, search, searchParams } = new URL(url);
        calls.push(pathname);
        if (pathname === '/models') return Response.json(state.models);
        const { method = 'GET', body = '' } = init ?? {};
        const headers = new Headers(init?.headers);
        const signed = { time: headers.get('x-maskwright-time'), signature: headers.get('x-maskwright-signature') };
        await verifyRequest(SECRET, { method, path: pathname + search, body: String(body) }, signed);
        const lost = /^\/jobs\/([^/]+)\/events$/.exec(pathname);
        if (lost !== null) return state.resume(lost[1], searchParams.get('owner'), Number(searchParams.get('after')));
        const job = JSON.parse(String(body)) as GenerationJob;
        jobs.push(job);
        return state.behave(job, init?.signal);
      },
    },
  };
  const send = (path: string, init: RequestInit = {}): Promise<Response> =>
    Promise.resolve(app.fetch(new Request(`https://edge.invalid${path}`, init), env, context));
  /** Sends JSON, with a key or the secret of the administrator. */
  const sendJson = (path: string, key: string, body: unknown, method = 'POST'): Promise<Response> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    return send(path, { method, headers, body: JSON.stringify(body) });
  };
  /** Opens another account. */
  const open = async (more: Readonly<Record<string, unknown>> = {}): Promise<OpenedAccount> => {
    const body = { name: 'an account', grant_micro_dollars: { live: GRANT, test: GRANT }, ...more };
    const response = await sendJson('/v1/admin/accounts', ADMIN_SECRET, body);
    if (response.status !== 201) throw new Error(`no account: ${await response.text()}`);
    return response.json();
  };
  const account = await open(asked);
  const key = account.keys.find(({ mode }) => mode === 'live')?.key ?? '';
  const fetchEdge = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string> | undefined) };
    return send(path, { ...init, headers });
  };
  return {
    state,
    env,
    jobs,
    account,
    /** The account's first live key. */
    key,
    open,
    /** Sends a request as it is, without a key. */
    send,
    sendJson,
    settled: context.settled,
    /** Sends a request with the key, where it has no other Authorization. */
    fetch: fetchEdge,
    /** How many generations the upstream was asked for. */
    generations: () => calls.filter((path) => path === '/generate').length,
    calls: () => calls,
    ask: (body: unknown, headers: Record<string, string> = {}) =>
      fetchEdge('/v1/generations', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}

function blocks(body: string): Map<string, string>[] {
  return body
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string])));
}

/** The server-sent events of a body: [name, data] pairs; data that is not JSON stays text. */
export function parseEvents(body: string): [string, unknown][] {
  return blocks(body).map((fields) => {
    const data = fields.get('data') ?? '';
    return [fields.get('event') ?? 'message', data.startsWith('{') ? JSON.parse(data) : data];
  });
}

/** The ids of the server-sent events of a body, undefined for those that have none. */
export function idsOf(body: string): (string | undefined)[] {
  return blocks(body).map((fields) => fields.get('id'));
}
