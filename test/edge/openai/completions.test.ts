import { describe, expect, it } from 'vitest';
import { edge } from '../upstream.ts';
import { COMPLETIONS, chunksOf, FIM, piecesOf, post } from './post.ts';

async function holeOf(body: object, path = COMPLETIONS) {
  const server = await edge();
  await (await post(server, path, body)).text();
  const { template, holes } = server.jobs[0].request;
  return { template, hole: holes?.completion };
}

describe('prompt and suffix', () => {
  it('are the text of a template, whatever they hold', async () => {
    const { template } = await holeOf({ prompt: 'f({{x}}) {', suffix: '}} \\' });
    expect(template).toBe('f(\\{{x}}) {{{completion}}}} \\');
  });

  it('are left out of the answer; echo keeps the prompt', async () => {
    const server = await edge();
    const texts = [];
    for (const echo of [false, true]) {
      const response = await post(server, COMPLETIONS, { prompt: 'Hello ', suffix: 'rld', echo });
      texts.push(((await response.json()) as { choices: { text: string }[] }).choices[0].text);
    }
    expect(texts).toEqual(['wö', 'Hello wö']);
  });

  it('are counted apart from what was written', async () => {
    const server = await edge();
    const response = await post(server, FIM, { prompt: 'Hello ' });
    expect(await response.json()).toMatchObject({
      object: 'text_completion',
      usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4, positions: 4 },
    });
  });

  it('are not in a stream either', async () => {
    const server = await edge();
    const body = { prompt: 'Hel', suffix: 'ld', stream: true };
    const { chunks, end } = await chunksOf(await post(server, COMPLETIONS, body));
    expect([piecesOf(chunks).join(''), end]).toEqual(['lo wör', '[DONE]']);
    expect(chunks.at(-1)?.choices[0]).toMatchObject({ text: '', finish_reason: 'stop' });
  });

  it('nor in snapshots', async () => {
    const server = await edge();
    const body = { prompt: 'Hello ', stream: true, diffusing: true };
    const { chunks } = await chunksOf(await post(server, COMPLETIONS, body));
    expect(piecesOf(chunks)).toEqual(['░░░', '░\ufffdrld░', 'wörld']);
  });

  it('can be one prompt in a list', async () => {
    expect((await holeOf({ prompt: ['Once'] })).template).toBe('Once{{completion}}');
  });
});

describe('what is asked of a completion', () => {
  it.each([
    ['tokens', { max_tokens: 12 }, { tokens: { max: 12 } }],
    ['words', { length: { unit: 'words', min: 2, max: 4 } }, { words: { min: 2, max: 4 } }],
    ['a regex', { guided_regex: '[a-z]+' }, { regex: '[a-z]+' }],
    ['choices', { choices: ['yes', 'no'] }, { choices: ['yes', 'no'] }],
    ['an end', { stop: '\n\n' }, { exclude: ['\n\n'] }],
    [
      'nothing unwanted',
      { exclude: [{ text: 'no', case_sensitive: false }] },
      { exclude: [{ text: 'no', case_sensitive: false }] },
    ],
  ])('%s is asked of what stands between prompt and suffix alone', async (_what, body, hole) => {
    expect((await holeOf({ prompt: 'a', ...body })).hole).toMatchObject(hole);
  });
});
