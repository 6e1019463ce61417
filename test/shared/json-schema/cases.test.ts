/** Case files: schemas with texts that are accepted and refused, and schemas that are refused themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { run } from '../../../shared/constraints/automaton.ts';
import { compileJsonSchema } from '../../../shared/constraints/json-schema.ts';
import { problemOf } from '../../problem-of.ts';

interface Case {
  readonly schema: string;
  readonly accepted: string[];
  readonly refused: string[];
  readonly problem: string[];
}

const FOLDER = new URL('./cases/', import.meta.url);

/** Blocks of a line with a schema and lines that start with '+ ', '- ' or '! '. */
function readCases(file: string): Case[] {
  const cases: Case[] = [];
  for (const line of readFileSync(new URL(file, FOLDER), 'utf8').split('\n')) {
    const current = cases.at(-1);
    const rest = line.slice(2);
    if (line === '' || line.startsWith('# ')) continue;
    if (line.startsWith('+ ')) current?.accepted.push(unescaped(rest));
    else if (line.startsWith('- ')) current?.refused.push(unescaped(rest));
    else if (line.startsWith('! ')) current?.problem.push(rest);
    else cases.push({ schema: line, accepted: [], refused: [], problem: [] });
  }
  return cases;
}

/** \n is a line break, \t a tab, \\ a backslash. */
function unescaped(text: string): string {
  return text.replace(/\\([nt\\])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 't' ? '\t' : '\\'));
}

describe.each(readdirSync(FOLDER))('%s', (file) => {
  it.each(readCases(file).map((one) => [one.schema, one] as const))(
    '%s',
    (_, { schema, accepted, refused, problem }) => {
      const compile = () => compileJsonSchema(JSON.parse(schema), '/json_schema');
      for (const expected of problem) {
        const { code, pointer, detail } = problemOf(compile);
        expect(`${code} ${pointer}`).toBe(expected);
        expect(detail).toContain(pointer);
      }
      if (problem.length > 0) return;
      const automaton = compile();
      const accepts = (text: string) => run(automaton, new TextEncoder().encode(text));
      expect(accepted.filter((text) => !accepts(text))).toEqual([]);
      expect(refused.filter(accepts)).toEqual([]);
      expect(accepted.length + refused.length).toBeGreaterThan(0);
    },
  );
});
