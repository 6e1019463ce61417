/** From a conversation to the one prompt a text is conditioned on. */
import { LIMITS } from '../../shared/contract/generation.ts';
import type { ChatMessage } from '../../shared/contract/openai.ts';
import { problem } from '../../shared/contract/problem.ts';

const SPEAKERS: Partial<Record<ChatMessage['role'], string>> = { user: 'User: ', assistant: 'Assistant: ' };

/**
 * The contents of the messages in their order, an empty line between them. Where the assistant has spoken, what it and the user
 * said is marked by who said it.
 * @param description of the text that is asked for, put last
 * @throws ProblemError where nothing is left to answer, or it is longer than a prompt may be
 */
export function chatPrompt(messages: readonly ChatMessage[], description?: string): string {
  const last = messages.length - 1;
  if (messages[last].role === 'assistant') {
    const detail = `The last message (/messages/${last}) is the assistant's, so there is nothing to answer; POST /v1/completions continues a text.`;
    throw problem('invalid_request', detail, { pointer: `/messages/${last}/role` });
  }
  const marked = messages.some(({ role }) => role === 'assistant');
  const parts = messages.map(({ role, content }) => {
    const text = typeof content === 'string' ? content : content.map((part) => part.text).join('');
    return `${marked ? (SPEAKERS[role] ?? '') : ''}${text}`;
  });
  const prompt = [...parts, ...(description === undefined ? [] : [description])].join('\n\n');
  if (prompt.length > LIMITS.promptCharacters) {
    const detail = `The messages together are ${prompt.length} characters long; a prompt may have ${LIMITS.promptCharacters}.`;
    throw problem('limit_exceeded', detail, { pointer: '/messages' });
  }
  return prompt;
}
