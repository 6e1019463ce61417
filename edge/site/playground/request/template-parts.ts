/** A template as its editor shows it while it is being written. */
import { parseTemplate, type TemplatePart } from '../../../../shared/constraints/template.ts';
import { ProblemError } from '../../../../shared/contract/problem.ts';

export interface ReadTemplate {
  readonly parts: readonly TemplatePart[];
  /** Of the holes, in their order. */
  readonly holes: readonly string[];
  /** Why it cannot be read, in words. */
  readonly fault?: string;
}

export function readTemplate(template: string): ReadTemplate {
  try {
    const parts = parseTemplate(template);
    return { parts, holes: parts.flatMap((part) => (part.kind === 'hole' ? [part.name] : [])) };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { parts: [], holes: [], fault: error.problem.detail };
  }
}
