/**
 * The inference service's configuration, from environment variables.
 */
import { availableParallelism } from 'node:os';
import * as v from 'valibot';
import { nearest } from '../shared/contract/nearest.ts';
import { SECRET_CHARACTERS } from '../shared/contract/signature.ts';
import {
  DEVICES,
  type Device,
  defaultPrecision,
  PRECISION_NAMES,
  type PrecisionName,
  precisionFault,
} from './model/device.ts';

const integer = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

const oneOf = <const T extends readonly string[]>(names: T) => v.picklist(names, `must be one of: ${names.join(', ')}`);

/** What a process is. */
export const ROLES = ['service', 'gateway', 'engine'] as const;
export type Role = (typeof ROLES)[number];

/** Every variable of the inference service; docs/configuration.md says the same in words. */
export const configSchema = v.object({
  MASKWRIGHT_HOST: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty')), '127.0.0.1'),
  MASKWRIGHT_BACKEND_PORT: v.optional(integer(0, 65_535), '8788'),
  MASKWRIGHT_SECRET: v.pipe(
    v.string('must be set: the secret that edge and backend share'),
    v.minLength(SECRET_CHARACTERS, `must have at least ${SECRET_CHARACTERS} characters`),
  ),
  /** Model folders, separated by commas. */
  MASKWRIGHT_MODELS: v.optional(
    v.pipe(
      v.string(),
      v.transform((list) => list.split(',').map((folder) => folder.trim())),
      v.check((folders) => folders.every((folder) => folder !== ''), 'must be folders separated by commas'),
    ),
    'models/default',
  ),
  MASKWRIGHT_DEVICE: v.optional(oneOf(DEVICES), 'cpu'),
  MASKWRIGHT_PRECISION: v.optional(oneOf(PRECISION_NAMES)),
  /** Threads that denoise, each with a copy of the models and a share of the jobs. */
  MASKWRIGHT_ENGINES: v.optional(integer(1, 64), '1'),
  /** Of the model runtime, for each engine; by default the cores are shared out. */
  MASKWRIGHT_THREADS: v.optional(integer(1, 256)),
  /** Megabytes that loaded models may take together, shared out to the engines; the least recently used one makes room. Without it all are kept. */
  MASKWRIGHT_MODEL_MEMORY_MB: v.optional(integer(1, 10_000_000)),
  /** Texts denoised at once by each engine; by default what suits the device. */
  MASKWRIGHT_RUNNING: v.optional(integer(1, 4_096)),
  /** Most predicted seconds of work that may wait; what would come behind is refused. */
  MASKWRIGHT_WAITING_S: v.optional(integer(1, 3_600), '60'),
  /** Seconds after which a job that states no deadline ends with a problem. */
  MASKWRIGHT_DEADLINE_S: v.optional(integer(1, 86_400), '300'),
  /** Seconds that what is under way has to end in once the process is told to. Orchestrators kill after 30 by default. */
  MASKWRIGHT_GRACE_S: v.optional(integer(0, 3_600), '25'),
  /** `service`: routes and engine in one process. `gateway` and `engine`: the two halves, joined by NATS. */
  MASKWRIGHT_ROLE: v.optional(oneOf(ROLES), 'service'),
  /** Servers of one NATS cluster, separated by commas. */
  MASKWRIGHT_NATS: v.optional(
    v.pipe(
      v.string(),
      v.transform((list) => list.split(',').map((server) => server.trim())),
      v.check(
        (servers) => servers.every((server) => /^(nats|tls):\/\/\S+$/.test(server)),
        'must be nats:// or tls:// addresses separated by commas',
      ),
    ),
    'nats://127.0.0.1:4222',
  ),
  /** File with the JWT and seed of a NATS user. */
  MASKWRIGHT_NATS_CREDENTIALS: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty'))),
  /** Copies of every stream and bucket. */
  MASKWRIGHT_NATS_REPLICAS: v.optional(integer(1, 5), '1'),
  /** What the names of streams, buckets and subjects begin with: one for each installation on a cluster. */
  MASKWRIGHT_NATS_PREFIX: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z][\w-]{0,30}$/, 'must be letters, digits, - and _')),
    'maskwright',
  ),
  MASKWRIGHT_CACHE: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty')), '.cache'),
  /** Where a collector takes OpenTelemetry's spans over HTTP; without it none are made. */
  OTEL_EXPORTER_OTLP_ENDPOINT: v.optional(
    v.pipe(v.string(), v.regex(/^https?:\/\/\S+$/, 'must be an http:// or https:// address')),
  ),
  /** Share of the jobs without a trace that are recorded; the others do as their trace says. */
  OTEL_TRACES_SAMPLER_ARG: v.optional(
    v.pipe(v.string(), v.regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be a number from 0 to 1'), v.transform(Number)),
    '1',
  ),
  MASKWRIGHT_LOG: v.optional(oneOf(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
});

/** What NATS is to a gateway or an engine. */
export interface NatsConfig {
  readonly servers: readonly string[];
  readonly credentials?: string;
  readonly replicas: number;
  readonly prefix: string;
}

/** What all our variables begin with; of these, one that is not known is refused. */
const PREFIX = 'MASKWRIGHT_';

/** Variables of the other parts of the project, which may stand in the same environment. */
const OTHERS = ['MASKWRIGHT_PORT', 'MASKWRIGHT_TEST_REPORT', 'MASKWRIGHT_SCHEMA_RUNS'];

export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly secret: string;
  readonly models: readonly string[];
  readonly device: Device;
  readonly precision: PrecisionName;
  /** Threads that denoise. */
  readonly engines: number;
  /** Of the model runtime, for each engine. */
  readonly threads: number;
  /** For all engines together. Undefined: no limit. */
  readonly modelMemoryMb?: number;
  /** For each engine. Undefined: what suits the device. */
  readonly running?: number;
  readonly waitingS: number;
  readonly deadlineS: number;
  readonly graceS: number;
  readonly role: Role;
  readonly nats: NatsConfig;
  readonly cacheFolder: string;
  readonly logLevel: string;
  /** Undefined: no spans are made. */
  readonly traces?: { readonly endpoint: string; readonly share: number };
}

/**
 * Reads the configuration.
 *
 * @throws Error that names every variable that is unknown or not valid, and what is allowed
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = new Set([...Object.keys(configSchema.entries).filter((name) => name.startsWith(PREFIX)), ...OTHERS]);
  const faults = Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name))
    .map((name) => unknown(name, [...known]));
  const result = v.safeParse(configSchema, environment);
  if (!result.success) {
    faults.push(...result.issues.map((issue) => `${v.getDotPath(issue)} ${faultOf(issue)}`));
  }
  const device = result.success ? result.output.MASKWRIGHT_DEVICE : 'cpu';
  const precision = (result.success ? result.output.MASKWRIGHT_PRECISION : undefined) ?? defaultPrecision(device);
  const fault = precisionFault(device, precision);
  if (fault !== undefined) faults.push(`MASKWRIGHT_PRECISION does not go with MASKWRIGHT_DEVICE: ${fault}`);
  const engines = result.success ? result.output.MASKWRIGHT_ENGINES : 1;
  if (engines > 1 && device !== 'cpu')
    faults.push(`MASKWRIGHT_ENGINES does not go with MASKWRIGHT_DEVICE: ${manyOn(device)}`);
  if (faults.length > 0 || !result.success)
    throw new Error(`the configuration is not valid:\n- ${faults.join('\n- ')}`);
  const read = result.output;
  return {
    host: read.MASKWRIGHT_HOST,
    port: read.MASKWRIGHT_BACKEND_PORT,
    secret: read.MASKWRIGHT_SECRET,
    models: read.MASKWRIGHT_MODELS,
    device,
    precision,
    engines,
    threads: read.MASKWRIGHT_THREADS ?? threadsOf(engines),
    modelMemoryMb: read.MASKWRIGHT_MODEL_MEMORY_MB,
    running: read.MASKWRIGHT_RUNNING,
    waitingS: read.MASKWRIGHT_WAITING_S,
    deadlineS: read.MASKWRIGHT_DEADLINE_S,
    graceS: read.MASKWRIGHT_GRACE_S,
    role: read.MASKWRIGHT_ROLE,
    nats: {
      servers: read.MASKWRIGHT_NATS,
      credentials: read.MASKWRIGHT_NATS_CREDENTIALS,
      replicas: read.MASKWRIGHT_NATS_REPLICAS,
      prefix: read.MASKWRIGHT_NATS_PREFIX,
    },
    cacheFolder: read.MASKWRIGHT_CACHE,
    logLevel: read.MASKWRIGHT_LOG,
    ...(read.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
      ? {}
      : { traces: { endpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT, share: read.OTEL_TRACES_SAMPLER_ARG } }),
  };
}

/** Threads of the model runtime that keep all cores busy, with so many engines. */
function threadsOf(engines: number): number {
  return Math.max(1, Math.min(256, Math.floor(availableParallelism() / engines)));
}

/** Why there is one engine for a device that is not the processor. */
function manyOn(device: Device): string {
  return `device is ${device}, which one engine has to itself; several would share it and each hold the models in its memory`;
}

/** What to say of a variable there is none of: the one that was probably meant, or all. */
function unknown(name: string, known: readonly string[]): string {
  // By what is behind the prefix they all have: with it, all would be near.
  const found = nearest(
    name.slice(PREFIX.length),
    known.map((other) => other.slice(PREFIX.length)),
  );
  const hint = found === undefined ? `there are: ${known.join(', ')}` : `did you mean ${PREFIX}${found}?`;
  return `${name} is not a variable of the inference service; ${hint}`;
}

/** What is wrong with a variable, and what was given, but for the secret. */
function faultOf(issue: v.BaseIssue<unknown>): string {
  const secret = v.getDotPath(issue) === 'MASKWRIGHT_SECRET';
  if (issue.input === undefined) return 'must be set: the secret that edge and backend share';
  return secret ? issue.message : `${issue.message}; given: ${JSON.stringify(issue.input)}`;
}
