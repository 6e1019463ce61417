/**
 * Fields of OpenAI's requests, and of servers that speak its language, that nothing here can honour. Each is taken with the values
 * that change nothing; any other is refused by name with what there is instead.
 */
import * as v from 'valibot';

const zero = v.nullish(v.literal(0));
const one = v.nullish(v.literal(1));
const never = v.nullish(v.literal(false));
const nothing = v.nullish(v.null());
const emptyList = v.nullish(v.pipe(v.array(v.unknown()), v.maxLength(0)));
const emptyObject = v.nullish(v.strictObject({}));
const noChoice = v.nullish(v.picklist(['none', 'auto']));

const anyRoute = {
  frequency_penalty: zero,
  presence_penalty: zero,
  logit_bias: emptyObject,
  top_p: one,
  top_k: v.nullish(v.picklist([0, -1])),
  min_p: zero,
  repetition_penalty: one,
  best_of: one,
  store: never,
  include_reasoning: never,
  guided_grammar: nothing,
  prompt_cache_key: nothing,
  prompt_cache_options: nothing,
  prompt_cache_retention: nothing,
  service_tier: v.nullish(v.picklist(['auto', 'default'])),
};

export const CHAT_REFUSED = {
  ...anyRoute,
  logprobs: never,
  top_logprobs: zero,
  tools: emptyList,
  tool_choice: noChoice,
  parallel_tool_calls: v.nullish(v.boolean()),
  functions: emptyList,
  function_call: noChoice,
  modalities: v.nullish(v.pipe(v.array(v.literal('text')), v.minLength(1), v.maxLength(1))),
  audio: nothing,
  moderation: nothing,
  prediction: nothing,
  verbosity: v.nullish(v.literal('medium')),
  web_search_options: nothing,
} as const;

export const COMPLETION_REFUSED = {
  ...anyRoute,
  logprobs: v.nullish(v.literal(false)),
  metadata: emptyObject,
  response_format: v.nullish(v.strictObject({ type: v.literal('text') })),
  template: nothing,
  holes: nothing,
  include: nothing,
  facts: nothing,
} as const;

/** Of a message. */
export const MESSAGE_REFUSED = {
  name: nothing,
  refusal: nothing,
  audio: nothing,
  tool_calls: emptyList,
  function_call: nothing,
  tool_call_id: nothing,
} as const;

const CANVAS = 'texts are not drawn token by token from the left';
const TOOLS = 'there are no tools; say with response_format what the text has to be';
const PENALTY = 'diffusion.repetition_penalty weakens what stands in the text already';
const CACHE = 'the field cache says how answers are cached';
const WHOLE = 'prompt and suffix are the template; POST /v1/chat/completions takes one of your own';

type Refused = keyof typeof CHAT_REFUSED | keyof typeof COMPLETION_REFUSED | keyof typeof MESSAGE_REFUSED;

/** Why, and what there is instead. */
export const WHY: Readonly<Record<Refused, string>> = {
  frequency_penalty: PENALTY,
  presence_penalty: PENALTY,
  repetition_penalty: PENALTY,
  logit_bias: 'include and exclude say what must and must not appear',
  top_p: 'temperature and the diffusion settings say how a text is drawn',
  top_k: 'temperature and the diffusion settings say how a text is drawn',
  min_p: 'temperature and the diffusion settings say how a text is drawn',
  best_of: 'n gives several texts, and the choice among them is yours',
  store: 'nothing is stored',
  include_reasoning: 'no reasoning goes before a text',
  guided_grammar: 'regex, choices and json_schema say what the text has to be',
  prompt_cache_key: CACHE,
  prompt_cache_options: CACHE,
  prompt_cache_retention: CACHE,
  service_tier: 'there is one tier',
  logprobs: `${CANVAS}; choice_probabilities gives the probability of each choice`,
  top_logprobs: `${CANVAS}; choice_probabilities gives the probability of each choice`,
  tools: TOOLS,
  tool_choice: TOOLS,
  parallel_tool_calls: TOOLS,
  functions: TOOLS,
  function_call: TOOLS,
  tool_calls: TOOLS,
  tool_call_id: TOOLS,
  modalities: 'answers are text',
  audio: 'messages and answers are text',
  moderation: 'nothing is moderated here',
  prediction: 'a template says which part of the text is known',
  verbosity: 'length says how long the text is',
  web_search_options: 'nothing is searched',
  metadata: 'nothing is stored, and answers of this route have no place for it',
  response_format: 'regex and choices say what the completion has to be; POST /v1/chat/completions takes a JSON Schema',
  template: WHOLE,
  holes: WHOLE,
  include: WHOLE,
  facts: WHOLE,
  name: 'the model does not know speakers by name; write it into the content',
  refusal: 'the model does not refuse, so no conversation with it holds a refusal',
};
