/** The two forms of an answer in OpenAI's language: a message of a conversation, and a text that goes on from a prompt. */

export interface Dialect {
  readonly object: string;
  readonly chunk: string;
  /** What a choice of an answer that is not streamed has. */
  choice(text: string): object;
  /** What the first chunk of a choice has; undefined: nothing is said before there is text. */
  readonly first?: object;
  piece(text: string): object;
  /** What the last chunk of a choice has. */
  readonly last: object;
}

export const CHAT: Dialect = {
  object: 'chat.completion',
  chunk: 'chat.completion.chunk',
  choice: (text) => ({ message: { role: 'assistant', content: text, refusal: null } }),
  first: { delta: { role: 'assistant', content: '' } },
  piece: (text) => ({ delta: { content: text } }),
  last: { delta: {} },
};

export const TEXT: Dialect = {
  object: 'text_completion',
  chunk: 'text_completion',
  choice: (text) => ({ text }),
  piece: (text) => ({ text }),
  last: { text: '' },
};
