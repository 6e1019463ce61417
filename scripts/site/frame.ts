/** What every page begins and ends with: the head's common lines, the header with the way to the other pages, the footer. */

/** Where the header leads, by the name of the page. */
const PLACES = [
  ['playground', '/', 'Playground'],
  ['docs', '/docs/', 'Docs'],
  ['reference', '/reference/', 'Reference'],
  ['dashboard', '/dashboard/', 'Dashboard'],
] as const;

/** Nine tiles from masked to written: the sign of the site, also in edge/public/favicon.svg. */
const TILES = [0.18, 0.3, 0.55, 0.3, 0.55, 0.8, 0.55, 0.8, 1];

const HEAD = `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/look.css">`;

const FOOTER = `<footer class="site-footer"><div>
<p>Maskwright: constrained text on a diffusion language model.</p>
<ul><li><a href="/docs/">Docs</a></li><li><a href="/reference/">API reference</a></li><li><a href="/openapi.json">openapi.json</a></li></ul>
</div></footer>`;

const mark = () =>
  TILES.map((opacity, at) => {
    const [x, y] = [(at % 3) * 6 + 1, Math.floor(at / 3) * 6 + 1];
    return `<rect x="${x}" y="${y}" width="5" height="5" rx="1" opacity="${opacity}"/>`;
  }).join('');

function header(current: string): string {
  const links = PLACES.map(
    ([name, path, label]) => `<li><a href="${path}"${name === current ? ' aria-current="page"' : ''}>${label}</a></li>`,
  );
  return `<a class="skip" href="#main">Skip to the content</a>
<header class="site-header"><div>
<a class="brand" href="/"><svg viewBox="0 0 19 19" aria-hidden="true">${mark()}</svg><span>Maskwright</span></a>
<nav aria-label="Site"><ul>${links.join('')}</ul></nav>
</div></header>`;
}

/**
 * A page with its frame where its comments ask for it: `<!-- head -->`, `<!-- header -->`, `<!-- footer -->`.
 * @param current the page's name, marked in the header
 */
export function framed(html: string, current: string): string {
  return html
    .replace('<!-- head -->', () => HEAD)
    .replace('<!-- header -->', () => header(current))
    .replace('<!-- footer -->', () => FOOTER);
}
