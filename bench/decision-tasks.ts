/**
 * Questions with known answers, from the held-out part of a corpus: fields of restaurant records that a text was written from, whether a
 * review praises, which register a text is of. Nothing of it was seen in training.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { optionsOf, type Question, type State } from '../shared/contract/questions.ts';

export interface LabelledCase {
  readonly state: State;
  readonly question: Question;
  /** Which of the options is right. */
  readonly right: number;
}

export interface DecisionTask {
  readonly task: string;
  readonly cases: readonly LabelledCase[];
}

interface CorpusRecord {
  readonly text: string;
  readonly style: string;
  /** `name: The Punter | food: Italian`: what a restaurant's text was written from. */
  readonly mr?: string;
}

const MOST_BYTES = 2 ** 28;
/** A longer text leaves no room for a question in 256 tokens. */
const MOST_CHARACTERS = 500;

/** The records of `valid.jsonl`, or of `valid.jsonl.xz` by the program xz. */
async function readValidation(corpus: string): Promise<CorpusRecord[]> {
  const plain = join(corpus, 'valid.jsonl');
  const text = existsSync(plain)
    ? await readFile(plain, 'utf8')
    : (await promisify(execFile)('xz', ['-dc', `${plain}.xz`], { maxBuffer: MOST_BYTES })).stdout;
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as CorpusRecord]));
}

/** The fields of a restaurant's record, names in small letters. */
function fieldsOf(mr: string): Record<string, string> {
  const pairs = mr.split('|').map((part) => part.split(/:(.*)/s, 2));
  return Object.fromEntries(pairs.map(([name, value]) => [name.trim().toLowerCase(), value.trim()]));
}

/** Options, and which of them a field's value is; undefined where it is none. */
interface Asked {
  readonly task: string;
  readonly question: Question;
  readonly answer: (value: string) => string | undefined;
}

const choice = (question: string, choices: string[]): Question => ({ id: 'q', type: 'choice', question, choices });

const FOODS = ['English', 'French', 'Italian', 'Japanese', 'Indian', 'Chinese', 'fast food'];
const foodOf = (value: string) => (/fast/i.test(value) ? 'fast food' : value);
const PRICES = ['cheap', 'moderate', 'high'];
const priceOf = (value: string) =>
  /low|cheap|less/i.test(value) ? 'cheap' : /mod|20-25/i.test(value) ? 'moderate' : 'high';
const AREAS = ['riverside', 'city centre'];
const KINDS = ['restaurant', 'pub', 'coffee shop'];
const same = (value: string) => value;

/** By field of the record: as a question, and as the beginning of its answer. */
const RESTAURANTS: Readonly<Record<string, readonly Asked[]>> = {
  food: [
    { task: 'food', question: choice('What kind of food is served there?', FOODS), answer: foodOf },
    { task: 'food, begun', question: choice('They serve', FOODS), answer: foodOf },
  ],
  price: [
    { task: 'price', question: choice('What is the price range?', PRICES), answer: priceOf },
    { task: 'price, begun', question: choice('The price range is', PRICES), answer: priceOf },
  ],
  area: [
    { task: 'area', question: choice('Where is it?', AREAS), answer: same },
    { task: 'area, begun', question: choice('It is in the', AREAS), answer: same },
  ],
  type: [
    { task: 'kind', question: choice('What kind of place is it?', KINDS), answer: same },
    { task: 'kind, begun', question: choice('It is a', KINDS), answer: same },
  ],
  'family friendly': [
    { task: 'families', question: { id: 'q', type: 'yes_no', question: 'Is it family friendly?' }, answer: same },
  ],
  'customer rating': [
    {
      task: 'rating',
      question: { id: 'q', type: 'score', question: 'Customer rating out of 5:', min: 1, max: 5, step: 2 },
      answer: (value) => /^(\d) out of 5/.exec(value)?.[1],
    },
  ],
};

function labelled(state: State, { question, answer }: Asked, value: string | undefined): LabelledCase[] {
  const told = value === undefined ? undefined : answer(value);
  const right = optionsOf(question).findIndex((option) => option.toLowerCase() === told?.toLowerCase());
  return right < 0 ? [] : [{ state, question, right }];
}

function restaurantTasks(records: readonly CorpusRecord[]): DecisionTask[] {
  const restaurants = records.flatMap(({ text, mr }) => (mr === undefined ? [] : [{ text, fields: fieldsOf(mr) }]));
  const ofTexts = Object.entries(RESTAURANTS).flatMap(([field, ways]) =>
    ways.map((asked) => ({
      task: asked.task,
      cases: restaurants.flatMap(({ text, fields }) => labelled(text, asked, fields[field])),
    })),
  );
  // Whether a value is found where it is told.
  const [asked] = RESTAURANTS.type;
  const cases = restaurants.flatMap(({ fields }) => labelled(fields, asked, fields.type));
  return [...ofTexts, { task: 'kind, of a record', cases }];
}

const REGISTERS: Readonly<Record<string, string>> = {
  news: 'news',
  poem_classic: 'poem',
  tiny_story: 'story',
  email: 'email',
  service_dialogue: 'dialogue',
  encyclopedia: 'encyclopedia',
};
/** Of one register, so that none outweighs all others. */
const MOST_OF_A_REGISTER = 50;

/** Tasks by style: at most so many cases of each. */
function styleTask(
  task: string,
  records: readonly CorpusRecord[],
  question: Question,
  labels: Readonly<Record<string, string>>,
  most: number,
): DecisionTask {
  const taken = new Map<string, number>();
  const options = optionsOf(question);
  const cases = records.flatMap(({ text, style }): LabelledCase[] => {
    const count = taken.get(style) ?? 0;
    if (labels[style] === undefined || count >= most || text.length > MOST_CHARACTERS) return [];
    taken.set(style, count + 1);
    return [{ state: text, question, right: options.indexOf(labels[style]) }];
  });
  return { task, cases };
}

/** All tasks of a corpus folder. */
export async function decisionTasks(corpus: string): Promise<DecisionTask[]> {
  const records = await readValidation(corpus);
  const registers = Object.values(REGISTERS);
  const praise = { review_positive: 'good', pros: 'good', review_negative: 'bad', cons: 'bad' };
  const isTalk = Object.fromEntries(
    Object.entries(REGISTERS).map(([s, name]) => [s, name === 'dialogue' ? 'yes' : 'no']),
  );
  return [
    ...restaurantTasks(records),
    styleTask('praise', records, choice('Is this review good or bad?', ['good', 'bad']), praise, MOST_OF_A_REGISTER),
    styleTask('praise, begun', records, choice('This product is', ['good', 'bad']), praise, MOST_OF_A_REGISTER),
    styleTask('register', records, choice('What kind of text is this?', registers), REGISTERS, MOST_OF_A_REGISTER),
    styleTask(
      'conversation',
      records,
      { id: 'q', type: 'yes_no', question: 'Is this a conversation?' },
      isTalk,
      MOST_OF_A_REGISTER,
    ),
  ];
}
