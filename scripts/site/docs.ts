/** The docs as pages below /docs/: README, docs/*.md, the cards of model and trainer; figures beside them. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { articlePage, type ContentsGroup } from './article.ts';
import { CHAPTERS, type Leaf } from './contents.ts';
import { escaped } from './html.ts';
import { type Rendered, renderMarkdown, type Surroundings } from './markdown.ts';

/** Of a description in search results. */
const DESCRIPTION_CHARACTERS = 155;

/**
 * Writes all pages of the docs.
 * @param root folder of the project
 * @param target folder of the site
 * @throws Error for a page the contents do not name, and for a link to a file that is not there
 */
export function writeDocs(root: string, target: string): void {
  const chapters = CHAPTERS.map(({ name, leaves }) => ({
    name,
    leaves: leaves.filter(({ file }) => existsSync(join(root, file))),
  })).filter(({ leaves }) => leaves.length > 0);
  const leaves = chapters.flatMap(({ leaves }) => leaves);
  const others = copyFiles(join(root, 'docs'), join(target, 'docs'));
  const lost = others.pages.filter((name) => !leaves.some(({ file }) => file === `docs/${name}`));
  if (lost.length > 0) throw new Error(`scripts/site/contents.ts names no place for docs/${lost.join(', docs/')}.`);
  for (const [at, leaf] of leaves.entries()) {
    const rendered = renderMarkdown(readFileSync(join(root, leaf.file), 'utf8'), surroundingsOf(root, leaf, leaves));
    const folder = leaf.file.replace(/\.md$/, '/');
    const beside = others.files.map((name) => `docs/${name}`).filter((file) => file.startsWith(folder));
    const page = articlePage({
      place: 'docs',
      title: leaf.address === '/docs/' ? 'Docs · Maskwright' : `${rendered.title} · Maskwright`,
      description: shortened(rendered.opening),
      contents: chapters.map(({ name, leaves }) => contentsOf(name, leaves, leaf, rendered)),
      body: `<article>\n${rendered.html}${filesBeside(beside)}</article>\n${neighbours(leaves[at - 1], leaves[at + 1])}`,
    });
    const path = join(target, leaf.address, 'index.html');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, page);
  }
}

/** Copies what is not a page; returns both kinds, below the folder. */
function copyFiles(from: string, to: string): { readonly pages: readonly string[]; readonly files: readonly string[] } {
  const all = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(from, name)).isFile(),
  );
  const files = all.filter((name) => !name.endsWith('.md')).sort();
  for (const name of files) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    copyFileSync(join(from, name), join(to, name));
  }
  return { pages: all.filter((name) => name.endsWith('.md')), files };
}

/** How a page's links and images stand on the site. */
function surroundingsOf(root: string, leaf: Leaf, leaves: readonly Leaf[]): Surroundings {
  const fileOf = (path: string) => {
    const file = normalize(join(dirname(leaf.file), path));
    if (!existsSync(join(root, file))) throw new Error(`${leaf.file} links to ${path}, and no such file is there.`);
    return file;
  };
  return {
    link(href, text) {
      if (/^(https?:|#|\/)/.test(href)) return { href };
      const [path, fragment] = href.split('#');
      const file = fileOf(path);
      const page = leaves.find((other) => other.file === file || other.file === file.replace(/\/$/, '.md'));
      const hash = file.endsWith('/') ? '#files' : fragment === undefined ? '' : `#${fragment}`;
      if (page !== undefined) {
        return { href: `${page.address}${hash}`, ...(text === path ? { label: page.label } : {}) };
      }
      if (file.startsWith('edge/public/')) return { href: file.slice('edge/public'.length) };
      return file.startsWith('docs/') ? { href: `/${file}` } : undefined;
    },
    image(href) {
      const file = fileOf(href);
      const box = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(readFileSync(join(root, file), 'utf8'));
      if (box === null) throw new Error(`${leaf.file} shows ${href}, which has no viewBox.`);
      return { src: `/${file}`, width: Math.round(Number(box[1])), height: Math.round(Number(box[2])) };
    },
  };
}

function contentsOf(name: string, leaves: readonly Leaf[], open: Leaf, { sections }: Rendered): ContentsGroup {
  return {
    name,
    links: leaves.map((leaf) => ({
      href: leaf.address,
      label: escaped(leaf.label),
      current: leaf === open,
      inside:
        leaf !== open
          ? []
          : sections
              .filter(({ depth }) => depth === 2)
              .map(({ id, text }) => ({ href: `#${id}`, label: escaped(text) })),
    })),
  };
}

/** What a page was made from, where it has a folder of that. */
function filesBeside(files: readonly string[]): string {
  if (files.length === 0) return '';
  const items = files.map((file) => `<li><a href="/${file}">${escaped(file.slice('docs/'.length))}</a></li>`);
  return `<h2 id="files">Files</h2>\n<ul>${items.join('')}</ul>\n`;
}

function neighbours(before: Leaf | undefined, after: Leaf | undefined): string {
  const link = (leaf: Leaf | undefined, rel: string, words: string) =>
    leaf === undefined ? '' : `<a rel="${rel}" href="${leaf.address}"><span>${words}</span> ${escaped(leaf.label)}</a>`;
  return `<nav class="neighbours" aria-label="Neighbouring pages">${link(before, 'prev', 'Before:')}${link(after, 'next', 'Next:')}</nav>`;
}

/** At most so long as search results show, cut between words. */
function shortened(text: string): string {
  if (text.length <= DESCRIPTION_CHARACTERS) return text;
  const cut = text.slice(0, DESCRIPTION_CHARACTERS - 1);
  return `${cut.slice(0, cut.lastIndexOf(' '))}…`;
}
