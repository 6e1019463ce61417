/** An answer in OpenAI's language that is not streamed. */
import { type AnswerContext, collect } from '../answers/answer.ts';
import type { PricedProgress } from '../answers/priced.ts';
import { extrasOf, usageOf } from './choice.ts';
import type { Dialect } from './dialect.ts';
import { excerptOf } from './excerpt.ts';
import type { Translation } from './translation.ts';

/** Unix seconds, as OpenAI counts. */
export const now = () => Math.floor(Date.now() / 1000);

/** The body: OpenAI's members, and `seed`, `cache` and `choices[].constraints` of ours. */
export async function openaiAnswer(
  events: AsyncIterable<PricedProgress>,
  dialect: Dialect,
  translation: Translation,
  { cache }: Pick<AnswerContext, 'cache'>,
): Promise<object> {
  const { accepted, done } = await collect(events);
  const { id, model, revision, seed } = accepted[0];
  return {
    id,
    object: dialect.object,
    created: now(),
    model,
    system_fingerprint: revision,
    choices: done.map((text) => ({
      index: text.index,
      ...dialect.choice(excerptOf(text.text, translation.excerpt)),
      finish_reason: 'stop',
      logprobs: null,
      ...extrasOf(text, translation),
    })),
    usage: usageOf(accepted, done, translation),
    seed,
    cache,
    ...(translation.metadata === undefined ? {} : { metadata: translation.metadata }),
  };
}
