/** Markdown to the HTML of an article: headings that can be linked to, tables and code that scroll in themselves. */
import { Marked, type Token, type Tokens } from 'marked';
import { linkTo } from './article.ts';
import { escaped } from './html.ts';

export interface Section {
  readonly id: string;
  readonly depth: number;
  readonly text: string;
}

export interface Rendered {
  /** Of the first heading. */
  readonly title: string;
  /** Plain text of the first paragraph. */
  readonly opening: string;
  readonly sections: readonly Section[];
  readonly html: string;
}

/** What stands elsewhere, as the page is to show it. */
export interface Surroundings {
  /** Where a link goes and, if not as written, what it says; undefined where what it names is not on the site. */
  link(href: string, text: string): { readonly href: string; readonly label?: string } | undefined;
  image(href: string): { readonly src: string; readonly width: number; readonly height: number };
}

/** Of the site, and no file of the project: docs name them as code, which here can be followed. */
const PLACES = new Set(['/reference/', '/openapi.json', '/dashboard/']);

/** @param markdown may begin with a block of metadata between lines of `---`, which is not shown */
export function renderMarkdown(markdown: string, surroundings: Surroundings): Rendered {
  const source = markdown.replace(/^---\n.*?\n---\n/s, '');
  const marked = new Marked();
  const tokens = marked.lexer(source);
  const sections = sectionsOf(tokens);
  const ids = sections.map(({ id }) => id);
  marked.use({
    renderer: {
      // What looks like a tag is the text of a page: our docs have no HTML of their own.
      html: ({ text }) => escaped(text),
      heading(token) {
        const [id, inner] = [ids.shift() ?? '', this.parser.parseInline(token.tokens)];
        if (token.depth === 1) return `<h1 id="${id}">${inner}</h1>\n`;
        return `<h${token.depth} id="${id}">${inner} ${linkTo(id, plain(token.tokens))}</h${token.depth}>\n`;
      },
      codespan({ text }) {
        const code = `<code>${escaped(text)}</code>`;
        return PLACES.has(text) ? `<a href="${text}">${code}</a>` : code;
      },
      code: ({ text }) => `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`,
      tablecell(token) {
        const tag = token.header && token.text !== '' ? 'th' : 'td';
        const scope = tag === 'th' ? ' scope="col"' : '';
        const side = token.align === 'right' ? ' class="number"' : '';
        return `<${tag}${scope}${side}>${this.parser.parseInline(token.tokens)}</${tag}>\n`;
      },
      link({ href, tokens: inner, text }) {
        const target = surroundings.link(href, text);
        const label = target?.label === undefined ? this.parser.parseInline(inner) : escaped(target.label);
        return target === undefined ? `<code>${label}</code>` : `<a href="${escaped(target.href)}">${label}</a>`;
      },
      image({ href, text }) {
        const { src, width, height } = surroundings.image(href);
        return `<img src="${escaped(src)}" alt="${escaped(text)}" width="${width}" height="${height}" loading="lazy">`;
      },
    },
  });
  const html = marked.parser(tokens);
  return { title: sections[0]?.text ?? '', opening: openingOf(tokens), sections, html: scrolling(html) };
}

/** Every heading, with the name GitHub gives it, so that links hold there and here. */
function sectionsOf(tokens: readonly Token[]): Section[] {
  const seen = new Map<string, number>();
  return tokens
    .filter((token): token is Tokens.Heading => token.type === 'heading')
    .map(({ tokens: inner, depth }) => {
      const text = plain(inner);
      const slug = text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-');
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      return { id: before === 0 ? slug : `${slug}-${before}`, depth, text };
    });
}

function openingOf(tokens: readonly Token[]): string {
  const first = tokens.find((token): token is Tokens.Paragraph => token.type === 'paragraph');
  return first === undefined ? '' : plain(first.tokens).replace(/\s+/g, ' ');
}

/** The words of a line, without what marks them. */
function plain(tokens: readonly Token[]): string {
  return tokens
    .map((token) =>
      'tokens' in token && token.tokens !== undefined ? plain(token.tokens) : 'text' in token ? token.text : '',
    )
    .join('');
}

/** A wide table scrolls in a box of its own, which the keyboard reaches. */
const scrolling = (html: string) =>
  html
    .replaceAll('<table>', '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>')
    .replaceAll('</table>', '</table></div>');
