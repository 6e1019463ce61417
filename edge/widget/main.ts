/** What a page loads: the element, under its name. A second copy on the page leaves the first in its place. */
import { MaskwrightText } from './element.ts';

if (!customElements.get('maskwright-text')) customElements.define('maskwright-text', MaskwrightText);
