/**
 * `npm run model -- add | estimate | list | verify | remove`: installs open diffusion language models, and looks after those installed.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addModel } from '../gpu-backend/install/add.ts';
import { estimateModel } from '../gpu-backend/install/estimate.ts';
import { InstallError } from '../gpu-backend/install/failure.ts';
import { hubFrom } from '../gpu-backend/install/hub.ts';
import { folderOf, installedModels, removeModel, verifyModel } from '../gpu-backend/install/installed.ts';
import { progressOn, readableBytes } from '../gpu-backend/install/progress.ts';
import { SUPPORTED } from '../gpu-backend/model/config.ts';
import { type MemoryEstimate, POSITIONS } from '../gpu-backend/model/memory.ts';

const PRECISIONS = ['int8', 'int4', 'bfloat16', 'float32'] as const;
const USAGE = `npm run model -- add FOLDER | ORGANISATION/NAME[@REVISION]
npm run model -- estimate FOLDER | ORGANISATION/NAME[@REVISION]
npm run model -- list
npm run model -- verify ID...
npm run model -- remove ID...

  --to FOLDER            the folder of installed models (models)
  --json                 print JSON
add:
  --precision P          ${PRECISIONS.join(', ')} (int8)
  --id NAME              what requests call the model (its own name)
  --licence NAME         the licence, where the model states none
  --accept-licence       install under a licence that is not an open one, or under none that is stated
  --conditioning KIND    chat, prefix (chat where there is a chat template and the name does not say "base")
  --mask ID, --eos ID    token ids, where the model's files do not say them
  --shift 0|1            positions by which the logits are shifted against their token (what is usual for its kind)
  --force                replace a model of this id

HF_ENDPOINT and HF_TOKEN are read as the Hub's own tools read them.
${SUPPORTED}`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ to: { ...text, default: join(import.meta.dirname, '..', 'models') }, json: flag, force: flag, help: flag },
      ...{ precision: { ...text, default: 'int8' }, id: text, licence: text, 'accept-licence': flag },
      ...{ conditioning: text, mask: text, eos: text, shift: text },
    },
  });
  return { ...values, command: positionals[0], names: positionals.slice(1) };
}

/** @throws InstallError naming the option, what was given and what is allowed */
function oneOf<const T extends string>(
  option: string,
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  const found = allowed.find((name) => name === value);
  if (value !== undefined && found === undefined) {
    throw new InstallError(`--${option} is ${value}; it may be ${allowed.join(', ')}.`);
  }
  return found;
}

function tokenId(option: string, value: string | undefined): number | undefined {
  if (value !== undefined && !/^\d{1,9}$/.test(value))
    throw new InstallError(`--${option} is ${value}, not a token id.`);
  return value === undefined ? undefined : Number(value);
}

const need = (memory: MemoryEstimate) =>
  `${readableBytes(memory.weights)} for the weights and ${readableBytes(memory.evaluation)} to evaluate ${POSITIONS} positions`;

type Arguments = ReturnType<typeof readArguments>;

async function add(options: Arguments): Promise<void> {
  if (options.names.length !== 1) throw new InstallError(`add takes one model.\n\n${USAGE}`);
  const shift = oneOf('shift', options.shift, ['0', '1']);
  const started = performance.now();
  const added = await addModel({
    source: options.names[0],
    models: options.to,
    hub: hubFrom(process.env),
    precision: oneOf('precision', options.precision, PRECISIONS)!,
    id: options.id,
    licence: options.licence,
    acceptLicence: options['accept-licence'],
    conditioning: oneOf('conditioning', options.conditioning, ['chat', 'prefix']),
    mask: tokenId('mask', options.mask),
    eos: tokenId('eos', options.eos),
    shift: shift === undefined ? undefined : shift === '1' ? 1 : 0,
    force: options.force,
    progress: progressOn(process.stderr),
  });
  const { folder, manifest, memory } = added;
  if (options.json) {
    const seconds = (performance.now() - started) / 1000;
    // Node counts resident memory in kilobytes of 1,024 bytes.
    const peak = process.resourceUsage().maxRSS * 1024;
    console.log(JSON.stringify({ folder, manifest, memory, seconds, peak_resident_bytes: peak }));
    return;
  }
  const { tokens, conditioning, licence, shift: shifted, context, architecture, precision } = manifest;
  console.log(`${manifest.id} is in ${folder}
  ${architecture}, ${(manifest.parameters / 1e6).toFixed(1)} million parameters, ${precision}, licence ${licence}
  mask ${tokens.mask}, end ${tokens.eos}, padding ${tokens.pad}, shift ${shifted}, context ${context}, conditioned by ${conditioning?.kind}
  memory: ${need(memory)}
to serve it: MASKWRIGHT_MODELS=models/default,${folder} npm start`);
}

async function estimate({ names, json }: Arguments): Promise<void> {
  if (names.length !== 1) throw new InstallError(`estimate takes one model.\n\n${USAGE}`);
  const estimated = await estimateModel(hubFrom(process.env), names[0]);
  if (json) return console.log(JSON.stringify(estimated));
  const { architecture, parameters, context, memory } = estimated;
  console.log(`${architecture}, ${(parameters / 1e6).toFixed(1)} million parameters, context ${context}`);
  for (const [precision, needed] of Object.entries(memory)) console.log(`  ${precision.padEnd(8)}  ${need(needed)}`);
}

async function list({ to, json }: Arguments): Promise<void> {
  const models = await installedModels(to);
  if (json) console.log(JSON.stringify(models));
  for (const { manifest, bytes, memory } of json ? [] : models) {
    const form = manifest.precision ?? 'as trained';
    console.log(`${manifest.id}  ${manifest.architecture}, ${form}, ${readableBytes(bytes)} on disk, licence ${manifest.licence}
  memory: ${need(memory)}`);
  }
}

async function verify({ to, json, names }: Arguments): Promise<void> {
  if (names.length === 0) throw new InstallError(`verify takes the ids of models.\n\n${USAGE}`);
  const results: { id: string; intact: boolean; reason?: string }[] = [];
  for (const id of names) {
    const reason = await verifyModel(await folderOf(to, id)).then(
      () => undefined,
      (failure: Error) => failure.message,
    );
    results.push({ id, intact: reason === undefined, ...(reason === undefined ? {} : { reason }) });
    if (!json) console.log(reason === undefined ? `${id}: intact` : `${id}: ${reason}`);
  }
  if (json) console.log(JSON.stringify(results));
  if (results.some(({ intact }) => !intact)) process.exitCode = 1;
}

async function remove({ to, json, names }: Arguments): Promise<void> {
  if (names.length === 0) throw new InstallError(`remove takes the ids of models.\n\n${USAGE}`);
  for (const id of names) {
    const folder = await folderOf(to, id);
    await removeModel(folder);
    if (!json) console.log(`${id}: removed ${folder}`);
  }
  if (json) console.log(JSON.stringify(names.map((id) => ({ id, removed: true }))));
}

const COMMANDS: Readonly<Record<string, (options: Arguments) => Promise<void>>> = {
  ...{ add, estimate, list, verify, remove },
};

async function main(): Promise<void> {
  const options = readArguments();
  if (options.help) return console.log(USAGE);
  const command = Object.hasOwn(COMMANDS, options.command ?? '') ? COMMANDS[options.command] : undefined;
  if (command === undefined) throw new InstallError(USAGE);
  await command(options);
}

main().catch((reason: unknown) => {
  console.error(reason instanceof Error ? reason.message : reason);
  process.exitCode = 1;
});
