/**
 * The inference service's configuration, from environment variables.
 */
import { availableParallelism } from 'node:os';
import * as v from 'valibot';
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

const configSchema = v.object({
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
  MASKWRIGHT_THREADS: v.optional(integer(1, 256), String(Math.min(availableParallelism(), 256))),
  MASKWRIGHT_CACHE: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty')), '.cache'),
  MASKWRIGHT_LOG: v.optional(oneOf(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
});

/** Variables of the other parts of the project, which may stand in the same environment. */
const OTHERS = ['MASKWRIGHT_PORT', 'MASKWRIGHT_KEY', 'MASKWRIGHT_TEST_REPORT'];

export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly secret: string;
  readonly models: readonly string[];
  readonly device: Device;
  readonly precision: PrecisionName;
  readonly threads: number;
  readonly cacheFolder: string;
  readonly logLevel: string;
}

/**
 * Reads the configuration.
 *
 * @throws Error that names every variable that is unknown or not valid, and what is allowed
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = new Set([...Object.keys(configSchema.entries), ...OTHERS]);
  const faults = Object.keys(environment)
    .filter((name) => name.startsWith('MASKWRIGHT_') && !known.has(name))
    .map((name) => `${name} is not a variable of the inference service; there are: ${[...known].join(', ')}`);
  const result = v.safeParse(configSchema, environment);
  if (!result.success) {
    faults.push(...result.issues.map((issue) => `${v.getDotPath(issue)} ${faultOf(issue)}`));
  }
  const device = result.success ? result.output.MASKWRIGHT_DEVICE : 'cpu';
  const precision = (result.success ? result.output.MASKWRIGHT_PRECISION : undefined) ?? defaultPrecision(device);
  const fault = precisionFault(device, precision);
  if (fault !== undefined) faults.push(`MASKWRIGHT_PRECISION does not go with MASKWRIGHT_DEVICE: ${fault}`);
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
    threads: read.MASKWRIGHT_THREADS,
    cacheFolder: read.MASKWRIGHT_CACHE,
    logLevel: read.MASKWRIGHT_LOG,
  };
}

/** What is wrong with a variable, and what was given, but for the secret. */
function faultOf(issue: v.BaseIssue<unknown>): string {
  const secret = v.getDotPath(issue) === 'MASKWRIGHT_SECRET';
  if (issue.input === undefined) return 'must be set: the secret that edge and backend share';
  return secret ? issue.message : `${issue.message}; given: ${JSON.stringify(issue.input)}`;
}
