/**
 * A page to be read: contents at its side, the article beside. On a phone the contents show while they are the target of the address, so
 * that whatever is chosen in them hides them again. No script.
 */
import { framed } from './frame.ts';
import { escaped } from './html.ts';

export interface ContentsLink {
  readonly href: string;
  /** HTML. */
  readonly label: string;
  /** Sections of the page that is open. */
  readonly inside?: readonly ContentsLink[];
  readonly current?: boolean;
}

export interface ContentsGroup {
  readonly name: string;
  readonly links: readonly ContentsLink[];
}

export interface Article {
  /** Which place in the header is the current one. */
  readonly place: 'docs' | 'reference';
  readonly title: string;
  readonly description: string;
  readonly contents: readonly ContentsGroup[];
  /** HTML. */
  readonly body: string;
}

/** The whole page. */
export function articlePage({ place, title, description, contents, body }: Article): string {
  return framed(
    `<!doctype html>
<html lang="en">
<head>
<!-- head -->
<link rel="stylesheet" href="/assets/docs.css">
<title>${escaped(title)}</title>
<meta name="description" content="${escaped(description)}">
</head>
<body>
<!-- header -->
<div class="page wide reading">
<nav class="contents" aria-label="Contents">
<a class="button small" href="#contents">Contents</a>
<div id="contents">
${contents.map(group).join('\n')}
</div>
</nav>
<main id="main">
${body}
</main>
</div>
<!-- footer -->
</body>
</html>
`,
    place,
  );
}

const group = ({ name, links }: ContentsGroup) => `<p>${escaped(name)}</p>\n${list(links)}`;

const list = (links: readonly ContentsLink[]): string => `<ul>${links.map(item).join('')}</ul>`;

function item({ href, label, inside = [], current = false }: ContentsLink): string {
  const link = `<a href="${escaped(href)}"${current ? ' aria-current="page"' : ''}>${label}</a>`;
  return `<li>${link}${inside.length === 0 ? '' : list(inside)}</li>`;
}

/** The sign beside a heading that leads to it, for who wants its address. */
export const linkTo = (id: string, heading: string): string =>
  `<a class="anchor" href="#${id}" aria-label="Link to: ${escaped(heading)}">#</a>`;
