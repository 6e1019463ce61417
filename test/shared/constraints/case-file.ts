/**
 * Reads case files. A case begins with a line `== name` and a line with a request as JSON; then
 *   + text        accepted           - text        refused
 *   ! code [pointer]                 the request itself is refused with this problem
 *   = conflict pointer ...           it cannot be satisfied, and these are in conflict
 *   ~ words                          ... and the explanation says so
 * A text that begins with `"` is a JSON string. Lines that begin with # are comments.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { GenerationRequest } from '../../../shared/contract/generation.ts';

export interface Case {
  readonly file: string;
  readonly name: string;
  readonly request: GenerationRequest;
  readonly accepted: string[];
  readonly refused: string[];
  problem?: { code: string; pointer?: string };
  conflict?: string[];
  achievable?: string;
}

const FOLDER = new URL('./cases/', import.meta.url);

export function readCases(): Case[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .flatMap(readFile);
}

function readFile(file: string): Case[] {
  const cases: Case[] = [];
  let name: string | undefined;
  readFileSync(new URL(file, FOLDER), 'utf8')
    .split('\n')
    .forEach((line, i) => {
      const current = cases.at(-1);
      if (line === '' || line.startsWith('#')) return;
      if (line.startsWith('== ')) {
        name = line.slice(3);
        return;
      }
      if (name !== undefined) {
        cases.push({ file, name, request: JSON.parse(line), accepted: [], refused: [] });
        name = undefined;
        return;
      }
      const mark = line[0];
      const rest = line.slice(2);
      const text: string = rest.startsWith('"') ? JSON.parse(rest) : rest;
      if (current === undefined) throw new Error(`${file}:${i + 1}: no case begins before this line`);
      if (mark === '+') current.accepted.push(text);
      else if (mark === '-') current.refused.push(text);
      else if (mark === '!') {
        const [code, pointer] = rest.split(' ');
        current.problem = { code, pointer };
      } else if (mark === '=') current.conflict = rest.split(' ').slice(1);
      else if (mark === '~') current.achievable = rest;
      else throw new Error(`${file}:${i + 1}: cannot read '${line}'`);
    });
  return cases;
}
