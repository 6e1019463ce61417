/** Every example of the playground's gallery, asked of the real stack. */
import { describe, expect, it } from 'vitest';
import { example, generate, textOf, withPlayground } from './playground.ts';

const { openPlayground } = withPlayground();

const characters = (text: string) => [...text].length;
const words = (text: string) => text.split(/\s+/).filter((word) => /\p{L}|\p{N}/u.test(word)).length;
const sentences = (text: string) =>
  text.split(/[.!?]["')\]]*(?=\s|$)/).filter((part) => /\p{L}|\p{N}/u.test(part)).length;
const more = (text: string) => text.replace('The pool is closed on Monday. ', '');
const between = (low: number, value: number, high: number) => low <= value && value <= high;

/** What must hold of each example's text, said here once more without our checker. */
const HOLDS: Readonly<Record<string, (text: string) => boolean>> = {
  'Restaurant line': (text) => / is a (café|pub|bakery|coffee shop) near /.test(text),
  'Meta description': (text) => between(120, characters(text), 155) && text.includes('walking guide'),
  'Text message': (text) => characters(text) < 160 && text.startsWith('Hi Mara, your table is booked for 7 pm. '),
  'Product line': (text) => /^Alba desk lamp: a .+ lamp with a .+ for .+\. €49\.$/.test(text),
  'Alt text': (text) =>
    characters(text) <= 125 && text.includes('red umbrella') && !/image|picture/i.test(text) && sentences(text) === 1,
  'JSON card': (text) => {
    const { stars, title, again, ...rest } = JSON.parse(text);
    return (
      between(3, stars, 5) &&
      /^(The|This|A|My) [a-z ]+$/.test(title) &&
      typeof again === 'boolean' &&
      Object.keys(rest).length === 0
    );
  },
  'Sentence in between': (text) =>
    /^Lily found a little bird under the tree\. .+ The bird sang and flew away\.$/.test(text) &&
    between(19, words(text), 26),
  'Notice, plain': (text) => between(4, words(more(text)), 7),
  'Notice, usual': (text) => between(8, words(more(text)), 11),
  'Notice, formal': (text) => between(12, words(more(text)), 20),
  'FAQ answer': (text) => sentences(text) === 2 && characters(text) <= 140 && text.includes('order'),
  'Masked quote': (text) => /^“To be, or not to [a-z]+: that is the [a-z]+\.”$/.test(text),
  'How likely?': (text) => /^The dog ran to the (park|moon|bank|kitchen)\.$/.test(text),
  'Second thoughts': (text) => sentences(text) === 2,
};

describe('the gallery', () => {
  it('has at least ten examples, and each makes a text of which holds what it says', { timeout: 120_000 }, async () => {
    const { page, errors, close } = await openPlayground({ reducedMotion: 'reduce' });
    const titles = await page.locator('.gallery button').allTextContents();
    expect(titles.filter((title) => title !== 'A refusal').sort()).toEqual(Object.keys(HOLDS).sort());
    const texts = new Map<string, string>();
    for (const title of Object.keys(HOLDS)) {
      await example(page, title);
      await generate(page);
      await expect.poll(() => page.getByRole('status').textContent(), { timeout: 20_000 }).toMatch(/^Done after/);
      texts.set(title, await textOf(page));
    }
    const broken = [...texts].filter(([title, text]) => !HOLDS[title](text));
    expect(broken).toEqual([]);
    expect(errors).toEqual([]);
    await close();
  });
});
