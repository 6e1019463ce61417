import { describe, expect, it } from 'vitest';
import { renderMarkdown, type Surroundings } from '../../../scripts/site/markdown.ts';

const surroundings: Surroundings = {
  link(href, text) {
    if (href === 'gone.ts') return undefined;
    return href === 'api.md' ? { href: '/docs/api/', ...(text === href ? { label: 'The API' } : {}) } : { href };
  },
  image: (href) => ({ src: `/docs/${href}`, width: 40, height: 30 }),
};
const render = (markdown: string) => renderMarkdown(markdown, surroundings);

describe('a page of the docs', () => {
  it('is named by its first heading and told about by its first paragraph', () => {
    const { title, opening } = render('---\nlicense: x\n---\n# The `engine`\n\nWhy it\n*holds*.\n\nMore.');
    expect({ title, opening }).toEqual({ title: 'The engine', opening: 'Why it holds.' });
  });

  it('has headings with the names that GitHub gives them, each once', () => {
    const { sections, html } = render('# Keys\n## `Cache` & limits: all\n## Notes\n## Notes\n');
    expect(sections.map(({ id }) => id)).toEqual(['keys', 'cache--limits-all', 'notes', 'notes-1']);
    for (const { id } of sections) expect(html).toContain(` id="${id}"`);
    expect(html).toContain('<a class="anchor" href="#notes-1" aria-label="Link to: Notes">');
  });

  it('shows what looks like HTML as text', () => {
    const { html } = render('A <script>alert(1)</script> here.\n\n<div onclick="x">\n\n`<b>`\n\n```html\n<i>\n```\n');
    expect(html).not.toMatch(/<(script|div|b|i)\b/);
    for (const text of ['&lt;script&gt;', '&lt;div onclick=', '&lt;b&gt;', '&lt;i&gt;']) expect(html).toContain(text);
  });

  it('calls a page by its name where a link says only its file, and follows no link to what is not there', () => {
    const { html } = render('[api.md](api.md), [its streams](api.md), [code](gone.ts)');
    expect(html).toContain('<a href="/docs/api/">The API</a>, <a href="/docs/api/">its streams</a>, <code>code</code>');
  });

  it('has tables and code that the keyboard can scroll, and images that keep their place', () => {
    const { html } = render('| a | |\n| --- | ---: |\n| 1 | 2 |\n\n```sh\nls\n```\n\n![A curve](curve.svg)');
    expect(html).toContain('<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>');
    expect(html).toContain('<th scope="col">a</th>');
    expect(html).toContain('<td class="number">2</td>');
    expect(html).toContain('<pre tabindex="0"><code>ls</code></pre>');
    expect(html).toContain('<img src="/docs/curve.svg" alt="A curve" width="40" height="30" loading="lazy">');
  });
});
