/** How the widget looks. A constructed style sheet: the policy of a page that allows no inline styles has nothing against it. */

const CSS = `
:host { display: block }
:host([hidden]) { display: none }
.root { display: grid; position: relative; min-block-size: calc(var(--maskwright-lines, 1) * 1lh) }
.root > [part] {
  grid-area: 1 / 1;
  min-inline-size: 0;
  transition: filter var(--maskwright-focus, .4s), opacity var(--maskwright-focus, .4s);
}
[part=text] { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext }
[part=text]:not(:empty) ~ [part=fallback] { visibility: hidden }
.guess { position: absolute; inset: 0; overflow: clip }
.waiting > [part] { filter: blur(calc(var(--maskwright-blur, .5em) / 2)); opacity: .6 }
span { transition: text-shadow var(--maskwright-focus, .4s), -webkit-text-fill-color var(--maskwright-focus, .4s) }
[part~=mask] {
  -webkit-text-fill-color: transparent;
  text-shadow: 0 0 var(--maskwright-blur, .5em) var(--maskwright-mask-color, currentcolor);
}
[part~=noise] { unicode-bidi: isolate }
[role=status] { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%) }
@media (prefers-reduced-motion: reduce) { * { transition: none !important } }
`;

let sheet: CSSStyleSheet | undefined;

/** One for all widgets of a page. */
export function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
