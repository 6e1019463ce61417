/** The request as code to take away. A key is never part of it. */
import type { TextRequest } from '../../../../shared/client/client.ts';

export type SnippetForm = 'curl' | 'typescript' | 'html' | 'link';

/** Of a line of shell: nothing in between is special but the quote itself. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function post(url: string, body: object): string {
  return [
    `curl -s ${quoted(url)} \\`,
    `  -H "authorization: Bearer $KEY" -H 'content-type: application/json' \\`,
    `  -d ${quoted(JSON.stringify(body))}`,
  ].join('\n');
}

export function curlOf(api: string, request: TextRequest): string {
  return post(`${api}/v1/generations`, request);
}

export function typescriptOf(api: string, request: TextRequest): string {
  return `import { createClient } from './shared/client/client.ts';

const maskwright = createClient({ key: process.env.KEY!, url: ${JSON.stringify(api)} });
const { text } = await maskwright.generate(${JSON.stringify(request, null, 2)});
console.log(text);
`;
}

/** A preset is a saved request; what decides over one answer alone is not part of it. */
export function presetOf(api: string, { seed, cache, ...request }: TextRequest): string {
  return post(`${api}/v1/presets`, { name: 'from the playground', request, daily_limit_micro_dollars: 100_000 });
}

export function widgetOf(api: string): string {
  return `<script type="module" src="${api}/embed/v1/widget.js"></script>
<maskwright-text key="pk_…" preset="preset_…">What stands here while there is no text.</maskwright-text>
`;
}
