/**
 * What a repository of the Hugging Face Hub holds: its files with sizes and checksums, at one commit.
 *
 * Three requests are all that is needed, so they are made with fetch: the Hub's client library brings a WebAssembly
 * module for its own storage protocol, and no resuming of a broken download.
 */
import * as v from 'valibot';
import { InstallError } from './failure.ts';

export interface Hub {
  /** https://huggingface.co, or a mirror with the same paths. */
  readonly endpoint: string;
  /** For gated and private models. */
  readonly token?: string;
}

export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** Of files in large-file storage. */
  readonly sha256?: string;
  /** SHA-1 of git's blob, of all other files. */
  readonly blob?: string;
}

export interface HubModel {
  readonly name: string;
  /** The commit. */
  readonly revision: string;
  readonly licence?: string;
  readonly files: readonly HubFile[];
}

/** `organisation/name`, with a revision behind an `@` or without. */
const NAME = /^([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/;

const modelSchema = v.object({
  sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
  cardData: v.optional(v.nullable(v.looseObject({ license: v.optional(v.unknown()) }))),
  tags: v.optional(v.array(v.string()), []),
  siblings: v.array(
    v.looseObject({
      rfilename: v.string(),
      size: v.optional(v.nullable(v.number()), 0),
      blobId: v.optional(v.nullable(v.string())),
      lfs: v.optional(v.nullable(v.looseObject({ sha256: v.string(), size: v.number() }))),
    }),
  ),
});

/** The Hub as the environment names it: HF_ENDPOINT and HF_TOKEN, as its own tools read them. */
export function hubFrom(environment: Readonly<Record<string, string | undefined>>): Hub {
  const { HF_ENDPOINT: endpoint, HF_TOKEN: token } = environment;
  return {
    endpoint: (endpoint || 'https://huggingface.co').replace(/\/+$/, ''),
    ...(token ? { token } : {}),
  };
}

/** Whether a source reads like the name of a model on the Hub. */
export const isHubName = (source: string) => NAME.test(source);

export function authorization({ token }: Hub): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Where a file of a model lies. */
export function fileUrl({ endpoint }: Hub, model: HubModel, path: string): string {
  return `${endpoint}/${model.name}/resolve/${model.revision}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/**
 * Asks for the files of `source`.
 * @throws InstallError where the Hub cannot be reached, knows no such model or does not let us read it
 */
export async function hubModel(hub: Hub, source: string): Promise<HubModel> {
  const [, name, revision = 'main'] = source.match(NAME)!;
  const url = `${hub.endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await fetch(url, { headers: authorization(hub) }).catch((reason: unknown) => {
    throw new InstallError(
      `${hub.endpoint} cannot be reached (${causeOf(reason)}). Offline, add a folder that holds the model: npm run model -- add FOLDER.`,
    );
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new InstallError(refusal(response.status, source, hub));
  }
  const result = v.safeParse(modelSchema, await response.json().catch(() => undefined));
  if (!result.success) throw new InstallError(`${url} did not answer as the Hugging Face Hub does.`);
  const { sha, cardData, tags, siblings } = result.output;
  const tag = tags.find((text) => text.startsWith('license:'))?.slice('license:'.length);
  const licence = typeof cardData?.license === 'string' ? cardData.license : tag;
  return {
    name,
    revision: sha,
    ...(licence === undefined ? {} : { licence }),
    files: siblings.map(({ rfilename, size, blobId, lfs }) => ({
      path: rfilename,
      bytes: lfs?.size ?? size ?? 0,
      ...(lfs ? { sha256: lfs.sha256 } : blobId ? { blob: blobId } : {}),
    })),
  };
}

function refusal(status: number, source: string, { endpoint, token }: Hub): string {
  if (status === 401 || status === 403) {
    return `${endpoint} does not let us read ${source} (HTTP ${status}): a gated or private model needs ${token === undefined ? 'HF_TOKEN' : 'its licence accepted there by the owner of HF_TOKEN'}.`;
  }
  if (status === 404) return `${endpoint} has no model ${source}.`;
  return `${endpoint} answered HTTP ${status} for ${source}.`;
}

/** The reason behind fetch's "fetch failed". */
export function causeOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  const { cause } = reason;
  if (!(cause instanceof Error)) return reason.message;
  return ('code' in cause && typeof cause.code === 'string' ? cause.code : cause.message) || reason.message;
}
