/** What the page knows and what can be done on it; its views only show this. */
import { createClient, MaskwrightError, type TextRequest } from '../../../shared/client/client.ts';
import type { ModelSummary } from '../../../shared/contract/manifest.ts';
import { closestField } from './fields.ts';
import { type Draft, emptyDraft, emptyHole } from './request/draft.ts';
import { fragmentOf } from './request/fragment.ts';
import { draftOf } from './request/from-request.ts';
import { GALLERY } from './request/gallery.ts';
import type { SnippetForm } from './request/snippets.ts';
import { type ReadTemplate, readTemplate } from './request/template-parts.ts';
import { requestOf, type Unsendable } from './request/to-request.ts';
import { type Run, startRun } from './run/generation.ts';
import { createPlayer, type Player } from './run/player.ts';

export interface App {
  /** Of this deployment: the page comes from where the API is. */
  readonly api: string;
  readonly draft: Draft;
  readonly template: ReadTemplate;
  /** What would be sent now. */
  readonly request: TextRequest | Unsendable;
  readonly models: readonly ModelSummary[];
  /** In this variable and nowhere else: gone with the page. */
  readonly key: string;
  readonly keyFault?: string;
  /** What is shown: the latest run from its first frame on, or the one before it. */
  readonly run?: Run;
  readonly busy: boolean;
  readonly player: Player;
  /** Fields that a refusal is about, and what it says. */
  readonly flagged: ReadonlyMap<string, string>;
  /** Parts of the form that are unfolded, by their names. */
  readonly unfolded: Set<string>;
  /** The example of the gallery that the form was filled with. */
  readonly example?: string;
  readonly snippet: SnippetForm;
  /** What is wrong with the link that led here. */
  readonly linkFault?: string;
  /** For whoever does not see the page: what has just begun or ended. */
  readonly said: string;
  useKey(key: string): void;
  edit(change: (draft: Draft) => void): void;
  load(request: TextRequest): void;
  /** Of the gallery, by its name. */
  loadExample(name: string): void;
  chooseSnippet(form: SnippetForm): void;
  say(what: string): void;
  blameLink(what: string): void;
  generate(): void;
  stop(): void;
}

export const isUnsendable = (request: TextRequest | Unsendable): request is Unsendable => 'detail' in request;

/** @param changed called after each change; several at once may be one */
export function createApp(api: string, changed: () => void): App {
  let draft = emptyDraft();
  let template = readTemplate('');
  let key = '';
  let keyFault: string | undefined;
  let models: readonly ModelSummary[] = [];
  let latest: Run | undefined;
  let run: Run | undefined;
  let flagged: ReadonlyMap<string, string> = new Map();
  let unfolded = new Set<string>();
  let said = '';
  let linkFault: string | undefined;
  let example: string | undefined;
  let snippet: SnippetForm = 'curl';

  const player = createPlayer({
    last: () => (run?.rows.length ? run.rows.length - 1 : undefined),
    total: () => run?.accepted?.steps ?? 1,
    open: () => run?.status === 'running',
    changed,
  });

  function reread(): void {
    const read = readTemplate(draft.template);
    // In the middle of a `{{` the holes of before stay: their fields would come and go with each key.
    template = read.fault === undefined ? read : { ...template, fault: read.fault };
    for (const name of template.holes) draft.holes[name] ??= emptyHole();
  }

  async function learnModels(of: string): Promise<void> {
    try {
      const known = await createClient({ key: of, url: api }).models();
      if (key === of) models = known;
    } catch (error) {
      if (key === of) keyFault = (error as Error).message;
    }
    changed();
  }

  function refuse(error: MaskwrightError): void {
    const pointers = new Set([...(error.conflict ?? []), ...(error.pointer === undefined ? [] : [error.pointer])]);
    const fields = [...pointers].flatMap((pointer) => closestField(pointer) ?? []);
    flagged = new Map(fields.map((field) => [field, error.achievable ?? error.message]));
    for (const field of fields) unfolded.add(partOf(field));
  }

  function moved(mine: Run): void {
    if (mine !== latest) return;
    // The canvas of before stays until there is a new one: it would fold up and unfold again.
    if (mine !== run && (mine.accepted !== undefined || mine.status !== 'running')) show(mine);
    player.more();
    if (mine.error !== undefined) refuse(mine.error);
    if (mine.status !== 'running') said = endInWords(mine);
    changed();
  }

  function show(mine: Run): void {
    run = mine;
    player.play(0);
  }

  return {
    api,
    get draft() {
      return draft;
    },
    get template() {
      return template;
    },
    get request() {
      return requestOf(draft, template.holes);
    },
    get models() {
      return models;
    },
    get key() {
      return key;
    },
    get keyFault() {
      return keyFault;
    },
    get run() {
      return run;
    },
    get busy() {
      return latest?.status === 'running';
    },
    get flagged() {
      return flagged;
    },
    get unfolded() {
      return unfolded;
    },
    get linkFault() {
      return linkFault;
    },
    get said() {
      return said;
    },
    get example() {
      return example;
    },
    get snippet() {
      return snippet;
    },
    player,
    useKey(given) {
      key = given.trim();
      keyFault = undefined;
      models = [];
      if (key !== '') void learnModels(key);
      changed();
    },
    edit(change) {
      change(draft);
      reread();
      changed();
    },
    load(request) {
      example = undefined;
      linkFault = undefined;
      draft = draftOf(request);
      template = readTemplate('');
      reread();
      flagged = new Map();
      unfolded = new Set(
        Object.entries(request)
          .filter(isSeen)
          .map(([field]) => partOf(`/${field}`)),
      );
      changed();
    },
    loadExample(name) {
      const found = GALLERY.find((one) => one.name === name);
      if (found === undefined) return;
      this.load(found.request);
      example = name;
    },
    chooseSnippet(form) {
      snippet = form;
      changed();
    },
    say(what) {
      said = what;
      changed();
    },
    blameLink(what) {
      linkFault = what;
      changed();
    },
    generate() {
      if (key === '') {
        keyFault = 'A key is needed. `npm start` prints one, the dashboard makes more.';
        return changed();
      }
      latest?.stop();
      flagged = new Map();
      said = 'Denoising has begun.';
      const request = requestOf(draft, template.holes);
      if (isUnsendable(request)) {
        const error = new MaskwrightError({ status: 0, code: 'not_sent', ...request });
        latest = { request: {}, status: 'refused', rows: [], error, stop: () => undefined };
        return moved(latest);
      }
      history.replaceState(null, '', fragmentOf(request));
      const mine = startRun({ url: api, key, request, changed: () => moved(mine) });
      latest = mine;
      changed();
    },
    stop() {
      latest?.stop();
    },
  };
}

/** What is worth unfolding its part for; of the others the summary says enough. */
function isSeen([field, value]: readonly [string, unknown]): boolean {
  if (field === 'diffusion') return Object.keys(value as object).some((setting) => setting !== 'effort');
  return !['seed', 'temperature', 'cache'].includes(field);
}

/** The part of the form in which a field of the request is. */
function partOf(pointer: string): string {
  const [, field] = pointer.split('/');
  if (field === 'holes') return 'template';
  if (field === 'exclude') return 'include';
  if (['diffusion', 'temperature', 'seed', 'cache'].includes(field)) return 'denoising';
  return field;
}

function endInWords({ status, done, error }: Run): string {
  if (done !== undefined) return `Done after ${done.usage.denoising_steps} steps: ${done.text}`;
  // A refusal has a heading that is read out by itself.
  return status === 'stopped' && error === undefined ? 'Stopped.' : '';
}
