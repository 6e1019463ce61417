/**
 * The constraint of each text of a job: the single place where the loop meets the constraint language.
 */
import type { GenerationJob } from '../../shared/contract/generation.ts';
import { problem } from '../../shared/contract/problem.ts';
import type { LoadedModel } from '../model/registry.ts';
import type { Constraint } from './constraint.ts';
import { fixedCanvas, type Piece } from './fixed-canvas.ts';
import { textTokens } from './text-tokens.ts';
import { unconstrained } from './unconstrained.ts';

/** Text positions of a request that states no length. */
export const DEFAULT_POSITIONS = 64;

/** What this constraint can hold; every other hard field of a request is refused by name. */
const UNENFORCED = ['include', 'exclude', 'regex', 'json_schema', 'choices', 'facts'] as const;

/**
 * The constraints of a job's texts, by index.
 *
 * @throws ProblemError unsupported_constraint, invalid_template
 */
export function constraintFor(job: GenerationJob, model: LoadedModel): (index: number) => Constraint {
  const constraint = constraintOf(job, model);
  return () => constraint; // the same for each: neither kind keeps anything between steps
}

function constraintOf(job: GenerationJob, model: LoadedModel): Constraint {
  const { request } = job;
  for (const field of UNENFORCED) {
    if (request[field] === undefined) continue;
    throw problem('unsupported_constraint', `${field} cannot be enforced.`, { pointer: `/${field}` });
  }
  const tokens = textTokens(model.tokenizer, model.manifest.tokens.eos);
  if (request.template !== undefined)
    return fixedCanvas(piecesOf(request.template, request.holes), model.tokenizer, tokens);

  const lengths = request.length === undefined ? [] : [request.length].flat();
  lengths.forEach(({ unit, exact, min }, i) => {
    if (unit === 'tokens' && exact === undefined && min === undefined) return;
    throw problem('unsupported_constraint', 'only a largest number of tokens can be enforced.', {
      pointer: Array.isArray(request.length) ? `/length/${i}` : '/length',
    });
  });
  const positions = Math.min(...lengths.map(({ max }) => max ?? DEFAULT_POSITIONS), Number.POSITIVE_INFINITY);
  return unconstrained(Number.isFinite(positions) ? positions : DEFAULT_POSITIONS, tokens);
}

const HOLE = /\{\{([A-Za-z][A-Za-z0-9_]{0,31})(?::tokens=(\d{1,3}))?\}\}/g;
const DEFAULT_HOLE_TOKENS = 4;

function piecesOf(template: string, holes: GenerationJob['request']['holes'] = {}): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const literal = (to: number) => {
    const text = template.slice(at, to);
    if (text.includes('{{')) {
      throw problem('invalid_template', `a hole is not closed or not readable behind character ${at}.`, {
        pointer: '/template',
      });
    }
    if (text !== '') pieces.push({ kind: 'literal', text });
  };
  for (const match of template.matchAll(HOLE)) {
    literal(match.index);
    const bounds = holes[match[1]]?.tokens;
    const tokens = match[2] === undefined ? (bounds?.exact ?? bounds?.max ?? DEFAULT_HOLE_TOKENS) : Number(match[2]);
    pieces.push({ kind: 'hole', name: match[1], tokens });
    at = match.index + match[0].length;
  }
  literal(template.length);
  return pieces;
}
