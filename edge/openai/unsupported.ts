/** Fields that exist elsewhere and mean nothing here: refused by name, before anything else is said of a body. */
import * as v from 'valibot';
import { CHAT_REFUSED, COMPLETION_REFUSED, MESSAGE_REFUSED, WHY } from '../../shared/contract/openai-refused.ts';
import { type ProblemError, problem } from '../../shared/contract/problem.ts';
import { jsonPointer } from '../requests/validate.ts';

type Path = readonly (string | number)[];

function unsupported(path: Path, why: string): ProblemError {
  const pointer = jsonPointer(path);
  return problem('unsupported_field', `The field ${pointer} asks for what there is not here: ${why}.`, { pointer });
}

/** @throws ProblemError unsupported_field for the first field of the table whose value would change something */
function refuseOf(value: unknown, table: Readonly<Record<string, v.GenericSchema>>, path: Path): void {
  if (!isObject(value)) return;
  for (const [name, harmless] of Object.entries(table)) {
    if (!Object.hasOwn(value, name) || v.is(harmless, value[name])) continue;
    throw unsupported([...path, name], WHY[name as keyof typeof WHY]);
  }
}

/** @throws ProblemError unsupported_field */
export function refuseOfCompletion(body: unknown): void {
  refuseOf(body, COMPLETION_REFUSED, []);
  refuseObfuscation(body);
}

/** @throws ProblemError unsupported_field */
export function refuseOfChat(body: unknown): void {
  refuseOf(body, CHAT_REFUSED, []);
  refuseObfuscation(body);
  if (!isObject(body)) return;
  const format = body.response_format;
  if (isObject(format) && format.type === 'json_object') {
    const why =
      'what a schema does not name is not written, so that any object would be {}; use json_schema with a schema';
    throw unsupported(['response_format', 'type'], why);
  }
  if (Array.isArray(body.messages)) body.messages.forEach(refuseOfMessage);
}

/** OpenAI pads its chunks by default; to ask for that is to ask for something. */
function refuseObfuscation(body: unknown): void {
  const options = isObject(body) ? body.stream_options : undefined;
  if (isObject(options) && options.include_obfuscation === true) {
    throw unsupported(['stream_options', 'include_obfuscation'], 'chunks are not padded');
  }
}

const OTHER_ROLES: readonly unknown[] = ['tool', 'function'];
const OTHER_PARTS: readonly unknown[] = ['image_url', 'input_audio', 'file', 'refusal', 'video_url'];

function refuseOfMessage(message: unknown, i: number): void {
  const at = ['messages', i];
  refuseOf(message, MESSAGE_REFUSED, at);
  if (!isObject(message)) return;
  if (OTHER_ROLES.includes(message.role)) throw unsupported([...at, 'role'], WHY.tools);
  if (!Array.isArray(message.content)) return;
  message.content.forEach((part, j) => {
    if (!isObject(part) || !OTHER_PARTS.includes(part.type)) return;
    throw unsupported([...at, 'content', j, 'type'], 'messages are text');
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
