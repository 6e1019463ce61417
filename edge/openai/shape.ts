/** What the text has to be, by whichever of the names for it that servers of OpenAI's kind have. */
import type { ChatRequest, CommonRequest } from '../../shared/contract/openai.ts';
import { problem } from '../../shared/contract/problem.ts';

/** A value and where in the body it stands. */
export interface Stated<Value> {
  readonly value: Value;
  readonly pointer: string;
}

export interface Shape {
  readonly regex?: Stated<string>;
  readonly choices?: Stated<readonly string[]>;
  readonly json_schema?: Stated<Readonly<Record<string, unknown>>>;
}

/** @throws ProblemError invalid_request where the same is stated in two places */
export function shapeOf(request: CommonRequest & Pick<ChatRequest, 'response_format'>): Shape {
  const { structured_outputs: structured, response_format: format } = request;
  const [regex, choices, schema] = [
    only([
      ['/regex', request.regex],
      ['/guided_regex', request.guided_regex],
      ['/structured_outputs/regex', structured?.regex],
      ['/response_format/pattern', format?.type === 'regex' ? format.pattern : undefined],
    ]),
    only([
      ['/choices', request.choices],
      ['/guided_choice', request.guided_choice],
      ['/structured_outputs/choice', structured?.choice],
    ]),
    only([
      ['/guided_json', request.guided_json],
      ['/structured_outputs/json', structured?.json],
      ['/response_format/json_schema/schema', format?.type === 'json_schema' ? format.json_schema.schema : undefined],
    ]),
  ];
  return {
    ...(regex === undefined ? {} : { regex }),
    ...(choices === undefined ? {} : { choices }),
    ...(schema === undefined ? {} : { json_schema: schema }),
  };
}

/** The one value that is given, undefined where none is. */
export function only<Value>(
  places: readonly (readonly [pointer: string, value: Value | null | undefined])[],
): Stated<Value> | undefined {
  let found: Stated<Value> | undefined;
  for (const [pointer, value] of places) {
    if (value === null || value === undefined) continue;
    if (found !== undefined) {
      const detail = `${found.pointer} and ${pointer} say the same thing; only one of them may be given.`;
      throw problem('invalid_request', detail, { pointer });
    }
    found = { value, pointer };
  }
  return found;
}
