/** `<maskwright-text>`: a place on a web page where a generated text comes into focus. */
import { MaskwrightError } from '../../shared/client/error.ts';
import type { DoneEvent } from '../../shared/contract/stream.ts';
import { type Moment, play } from './play.ts';
import { runPreset } from './run.ts';
import { type ClientSession, isFresh, sessionFromServer, sessionFromTurnstile } from './session.ts';
import { VERSION } from './version.ts';
import { createView } from './view.ts';

type Variables = Readonly<Record<string, string>>;
type GetSession = () => Promise<ClientSession>;

/** Properties that a page may have set before this module was there. */
const EARLY = ['variables', 'getSession'] as const;
const MASK = '░';

const calm = matchMedia('(prefers-reduced-motion: reduce), (forced-colors: active)');
/** Nothing is to move: nobody looks, or who looks wants it so. */
const isStill = () => calm.matches || document.hidden;

export class MaskwrightText extends HTMLElement {
  static readonly version = VERSION;
  static readonly formAssociated = true;
  static readonly observedAttributes = ['key', 'preset', 'variables', 'api'];

  readonly #internals = this.attachInternals();
  readonly #view = createView(this.attachShadow({ mode: 'open' }));
  /** The run under way, or that came to its end; undefined before, and where the element was taken away. */
  #current?: AbortController;
  #session?: ClientSession;
  #getSession?: GetSession;
  #sight?: IntersectionObserver;
  #due = false;
  #value = '';
  #text = '';

  constructor() {
    super();
    for (const name of EARLY) {
      const early = Object.getOwnPropertyDescriptor(this, name);
      if (!early) continue;
      delete (this as Partial<Pick<MaskwrightText, typeof name>>)[name];
      this[name] = early.value;
    }
  }

  /** The finished text; '' until it is there. What a form sends under `name`. */
  get value(): string {
    return this.#value;
  }

  /** The text as it is seen: `░` for each position that is still masked. */
  get text(): string {
    return this.#text;
  }

  get form(): HTMLFormElement | null {
    return this.#internals.form;
  }

  /** Those of the preset; the attribute has them as JSON. */
  get variables(): Variables {
    return JSON.parse(this.getAttribute('variables') ?? '{}');
  }

  set variables(variables: Variables) {
    this.setAttribute('variables', JSON.stringify(variables));
  }

  /** Where client sessions come from, in place of `session-url`. */
  get getSession(): GetSession | undefined {
    return this.#getSession;
  }

  set getSession(getSession: GetSession | undefined) {
    this.#getSession = getSession;
  }

  connectedCallback(): void {
    if (!this.#current) this.#soon();
  }

  disconnectedCallback(): void {
    // An element that is only moved is there again before this runs.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#sight?.disconnect();
      this.#current?.abort();
    });
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before !== now) this.#soon();
  }

  /**
   * Makes a text, in place of one that is under way.
   * @returns the text; undefined where it failed (`maskwright-error` says why) or something newer took its place
   */
  async run(): Promise<string | undefined> {
    const { signal } = this.#begin();
    try {
      await this.#play(signal);
      return this.#value;
    } catch (error) {
      this.#fail(error, signal);
      return undefined;
    }
  }

  /** Opens a session with what Turnstile gave the visitor, then makes a text. */
  async verify(turnstileToken: string): Promise<string | undefined> {
    const { signal } = this.#begin();
    try {
      this.#session = await sessionFromTurnstile({ ...this.#where(), token: turnstileToken });
    } catch (error) {
      this.#fail(error, signal);
      return undefined;
    }
    return signal.aborted ? undefined : this.run();
  }

  /** Once for all that is changed in one go, where the page left the beginning to us. */
  #soon(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (!this.isConnected || this.hasAttribute('manual') || !this.hasAttribute('preset')) return;
      if (this.hasAttribute('lazy') && !this.#current) this.#whenSeen();
      else void this.run();
    });
  }

  #whenSeen(): void {
    this.#sight ??= new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      this.#sight?.disconnect();
      void this.run();
    });
    this.#sight.observe(this);
  }

  #begin(): AbortController {
    this.#current?.abort();
    this.#current = new AbortController();
    this.#set('');
    this.#internals.ariaBusy = 'true';
    this.#view.wait(this.getAttribute('announce-start') ?? 'Writing a text');
    return this.#current;
  }

  async #play(signal: AbortSignal): Promise<void> {
    const run = { ...this.#where(), variables: this.variables, key: (anew: boolean) => this.#secret(anew) };
    const draw = this.#view.canvas();
    let done: DoneEvent | undefined;
    const show = (moment: Moment) => {
      if (!isStill()) draw(moment);
      this.#tell(moment);
    };
    const arrived = (event: DoneEvent) => {
      done = event;
      this.#set(event.text);
    };
    await play(runPreset(run, signal), { draw: show, still: isStill }, arrived, signal);
    if (!isStill()) await this.#view.focused(signal);
    this.#internals.ariaBusy = 'false';
    this.#text = this.#value;
    this.#view.rest(this.#value, this.getAttribute('announce-end') ?? 'The text is ready');
    this.#dispatch('done', done);
  }

  #tell({ cells, step, accepted: { steps } }: Moment): void {
    this.#text = cells.map((cell) => cell ?? MASK).join('');
    const masks = cells.filter((cell) => cell === undefined).length;
    if (step > 0) this.#dispatch('step', { step, steps, masks, text: this.#text });
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (signal !== this.#current?.signal) return;
    this.#internals.ariaBusy = 'false';
    this.#set('');
    this.#view.fallBack();
    // Taken away, it begins anew when it comes back.
    if (signal.aborted) this.#current = undefined;
    else this.#dispatch('error', error instanceof MaskwrightError ? error : failed(error));
  }

  #set(value: string): void {
    this.#value = value;
    this.#internals.setFormValue(value);
  }

  #where() {
    const attribute = (name: string) => this.getAttribute(name) ?? '';
    return {
      api: attribute('api') || new URL(import.meta.url).origin,
      preset: attribute('preset'),
      key: attribute('key'),
    };
  }

  async #secret(anew: boolean): Promise<string> {
    const { key, preset } = this.#where();
    const url = this.getAttribute('session-url');
    const open = this.#getSession ?? (url === null ? undefined : () => sessionFromServer(url, preset));
    if (open && (anew || !this.#session || !isFresh(this.#session))) this.#session = await open();
    return this.#session?.client_secret ?? key;
  }

  #dispatch(name: 'step' | 'done' | 'error', detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`maskwright-${name}`, { detail, bubbles: true, composed: true }));
  }
}

/** What is not of the API: variables that are no JSON, a page's own server that gives no session. */
function failed(cause: unknown): MaskwrightError {
  return new MaskwrightError({ status: 0, code: 'failed', detail: String(cause) }, { cause });
}
