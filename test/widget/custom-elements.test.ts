/** custom-elements.json says what the code does: editors and frameworks go by it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '..', '..', 'edge', 'widget');
const code = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(FOLDER, file), 'utf8'))
  .join('\n');

interface Named {
  readonly name: string;
  readonly kind?: string;
  readonly default?: string;
  readonly attribute?: string;
}
const manifest = JSON.parse(readFileSync(join(FOLDER, 'custom-elements.json'), 'utf8'));
const declared: Readonly<Record<'attributes' | 'events' | 'cssParts' | 'cssProperties' | 'members', readonly Named[]>> =
  manifest.modules[0].declarations[0];

const found = (pattern: RegExp) => [...new Set([...code.matchAll(pattern)].map(([, name]) => name))].sort();
const names = (list: readonly Named[]) => list.map(({ name }) => name).sort();

describe('custom-elements.json', () => {
  it('has the attributes', () => {
    const read = found(/(?:getAttribute|hasAttribute|setAttribute|attribute)\('([a-z-]+)'/g);
    // `name` is read by the form that the element is in.
    expect(names(declared.attributes)).toEqual([...read, 'name'].sort());
  });

  it('has the events', () => {
    expect(names(declared.events)).toEqual(found(/#dispatch\('(\w+)'/g).map((name) => `maskwright-${name}`));
  });

  it('has the parts that have a look of their own', () => {
    expect(names(declared.cssParts)).toEqual(expect.arrayContaining(found(/\[part~?=(\w+)\]/g)));
  });

  it('has the custom properties and what they are by default', () => {
    const used = [...code.matchAll(/var\((--maskwright-[a-z-]+), ([^)]+)\)/g)].map(([, name, value]) => ({
      name,
      value,
    }));
    expect(names(declared.cssProperties)).toEqual([...new Set(used.map(({ name }) => name))].sort());
    for (const { name, value } of used) {
      expect(declared.cssProperties.find((property) => property.name === name)?.default).toBe(value);
    }
  });

  it('has the public members', () => {
    const accessors = found(/^ {2}(?:get|set) (\w+)\(/gm);
    const methods = found(/^ {2}async (\w+)\(/gm);
    expect(names(declared.members)).toEqual([...accessors, ...methods, 'version'].sort());
  });
});
