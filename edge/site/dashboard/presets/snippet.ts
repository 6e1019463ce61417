/** The lines of HTML that put a preset into a page. */
import type { Preset } from '../../../../shared/contract/preset.ts';

export interface Snippet {
  readonly snippet: string;
  /** What is still to be done. */
  readonly notes: readonly string[];
}

const NO_KEY = 'pk_live_YOUR_KEY';

/**
 * @param site where the widget and the API are
 * @param key a publishable key, where one is known: of others the page never learns more than their end
 */
export function snippetOf(preset: Preset, site: string, key: string = NO_KEY): Snippet {
  const { id, variables, protection } = preset;
  const values = Object.entries(variables).map(([name, { choices, default: usual }]) => [
    name,
    usual ?? choices?.[0] ?? '…',
  ]);
  const attributes = [
    protection === 'session' ? `session-url="/maskwright-session"` : `key="${key}"`,
    `preset="${id}"`,
    // It begins when Turnstile has let the visitor in.
    ...(protection === 'turnstile' ? ['manual'] : []),
    ...(values.length === 0 ? [] : [`variables='${attribute(JSON.stringify(Object.fromEntries(values)))}'`]),
  ];
  const snippet = [
    `<script type="module" src="${site}/embed/v1/widget.js"></script>`,
    `<maskwright-text ${attributes.join(' ')}>`,
    `  Shown where no text can be had.`,
    `</maskwright-text>`,
  ].join('\n');
  return { snippet, notes: notesOf(preset, key) };
}

function notesOf({ protection, mode }: Preset, key: string): string[] {
  if (protection === 'session') {
    return [
      'session-url is an address of your own server: it asks for a session with a secret key and hands it to the page.',
    ];
  }
  const notes = [];
  if (mode === 'test')
    notes.push('Publishable keys are live ones and run live presets; pages run a test preset by sessions only.');
  if (key === NO_KEY)
    notes.push('Put in a publishable key whose origins have the page; it was shown when it was made.');
  if (protection === 'turnstile')
    notes.push(
      'The page gives the token of its Turnstile widget to the element: verify(token). Until then it does not begin (manual).',
    );
  return notes;
}

/** For an attribute in single quotes. */
function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll("'", '&#39;').replaceAll('<', '&lt;');
}
