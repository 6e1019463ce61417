/**
 * What a constraint adds to a denoising step: the shipped model's step with a rich template against the same step without
 * any constraint, and the lattice alone on an automaton of 5,000 states.
 */

import { type Constraint, MASKED } from '../gpu-backend/denoise/constraint.ts';
import { uniforms } from '../gpu-backend/denoise/random.ts';
import { prepareTasks } from '../gpu-backend/denoise/task.ts';
import { textTokens } from '../gpu-backend/denoise/text-tokens.ts';
import { unconstrained } from '../gpu-backend/denoise/unconstrained.ts';
import { buildLattice } from '../gpu-backend/lattice/assemble.ts';
import { createEffects } from '../gpu-backend/lattice/effect.ts';
import { buildGraph } from '../gpu-backend/lattice/graph.ts';
import type { Lift } from '../gpu-backend/lattice/lift.ts';
import { createProposer } from '../gpu-backend/lattice/propose.ts';
import type { LoadedModel } from '../gpu-backend/model/registry.ts';
import type { GenerationRequest } from '../shared/contract/generation.ts';
import { seeded } from './random-requests.ts';
import { type Bar, median, type Row, spread } from './report.ts';

const ROUNDS = 40;
const WARM_UP = 6;
const LENGTH = 128;

export const COST_METHOD =
  `Cost: ${ROUNDS} rounds at L = ${LENGTH}, batch 1, two canvases a position apart, constrained and plain step in turn; a step is the model evaluation of the ` +
  'masked rows plus one proposal; medians, spread is the distance of the quartiles over the median. Large: proposals alone.';

/** A template with regex holes, a character range and two phrases that must appear, of about 128 positions. */
const REQUEST: GenerationRequest = {
  template:
    'Order {{code}} for {{who}} left our store on {{day}}. We packed {{what:words=6..16}}, and {{more:words=6..16}}. ' +
    'It will be with you by {{when}}, and we added {{extra:words=4..12}}. Thank you for {{why:words=3..8}}.',
  holes: {
    code: { regex: '[A-Z]{2}-\\d{4,6}' },
    who: { regex: '[A-Z][a-z]{2,12}( [A-Z][a-z]{2,12})?' },
    day: { regex: '(Mon|Tues|Wednes|Thurs|Fri)day' },
    when: { regex: '[a-z]+ (morning|evening)' },
  },
  length: { unit: 'characters', min: 220, max: 460 },
  include: ['free shipping', 'gift card'],
};

export async function costRows(model: LoadedModel): Promise<{ rows: Row[]; bars: Bar[]; method: string }> {
  const { manifest, tokenizer } = model;
  const job = { id: 'cost', request: { ...REQUEST, model: manifest.id, seed: 12 } };
  const [{ constraint: constrained }] = prepareTasks(job, model);
  const plain = unconstrained(constrained.positions, textTokens(tokenizer, manifest.tokens.eos));
  const rows: Row[] = [];
  const ratios: number[] = [];
  for (const share of [1, 0.5, 0.25]) {
    const { row, ratio } = await compare(model, constrained, plain, share);
    rows.push(row);
    ratios.push(ratio);
  }
  const large = largeAutomaton();
  rows.push({
    kind: 'cost: 5,000 states, L = 256',
    'propose ms': median(large.times),
    spread: spread(large.times),
    MB: large.megabytes,
  });
  return {
    rows,
    method: COST_METHOD,
    bars: [
      {
        what: 'constrained step over plain step at L = 128 (mean of all, half, a quarter masked)',
        value: ratios.reduce((a, b) => a + b, 0) / ratios.length,
        bound: 'at most 1.25',
        holds: ratios.reduce((a, b) => a + b, 0) / ratios.length <= 1.25,
      },
      {
        what: 'proposal over 5,000 states at L = 256, ms',
        value: median(large.times),
        bound: 'at most 150',
        holds: median(large.times) <= 150,
      },
      {
        what: 'tables and scratch of that constraint, MB',
        value: large.megabytes,
        bound: 'at most 32',
        holds: large.megabytes <= 32,
      },
    ],
  };
}

async function compare(model: LoadedModel, constrained: Constraint, plain: Constraint, share: number) {
  const random = seeded(5);
  const { mask } = model.manifest.tokens;
  const text = Int32Array.from(constrained.fixed);
  // Commit part of one accepted text, so that the rest can still be finished.
  const open = [...text.keys()].filter((position) => text[position] === MASKED);
  const all = Int32Array.from(open);
  const uniform = (rows: number) =>
    new Float32Array(rows * model.session.vocabulary).fill(1 / model.session.vocabulary);
  const first = constrained.propose(
    text,
    { positions: all, vocabulary: model.session.vocabulary, probabilities: uniform(all.length) },
    { temperature: 1, random: uniforms(1, 0, 1, 'proposal') },
  );
  open.forEach((position, i) => {
    if (random() >= share) text[position] = first.tokens[i];
  });
  if (text.length > LENGTH) throw new Error(`the text has ${text.length} positions, more than ${LENGTH}`);
  // Two canvases in turn, apart at their last mask: between steps a canvas changes, and so does what can still be reached.
  const lastMask = open.findLast((position) => text[position] === MASKED)!;
  const other = Int32Array.from(text);
  other[lastMask] = first.tokens[open.indexOf(lastMask)];
  const canvases = [text, other].map((canvas) => {
    const positions = Int32Array.from([...canvas.keys()].filter((position) => canvas[position] === MASKED));
    const ids = new Int32Array(LENGTH).fill(model.manifest.tokens.eos);
    const offset = LENGTH - canvas.length;
    canvas.forEach((token, position) => {
      ids[offset + position] = token === MASKED ? mask : token;
    });
    return { canvas, positions, ids, rows: positions.map((position) => offset + position) };
  });
  const times: Record<'model' | 'constrained' | 'plain', number[]> = { model: [], constrained: [], plain: [] };
  const step = async (name: 'constrained' | 'plain', constraint: Constraint, round: number) => {
    const { canvas, positions, ids, rows } = canvases[round & 1];
    const started = performance.now();
    const probabilities = await model.session.evaluate({
      ...{ batch: 1, length: LENGTH, ids, rows },
      lengths: Int32Array.of(LENGTH),
      inverseTemperature: new Float32Array(rows.length).fill(1),
    });
    const evaluated = performance.now();
    const draw = { temperature: 1, random: uniforms(round, 0, 1, 'proposal') };
    constraint.propose(canvas, { positions, vocabulary: model.session.vocabulary, probabilities }, draw);
    if (round < WARM_UP) return;
    times[name].push(performance.now() - started);
    times.model.push(evaluated - started);
  };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    await step('plain', plain, round);
    await step('constrained', constrained, round);
  }
  const ratio = median(times.constrained.map((time, i) => time / times.plain[i]));
  const row: Row = {
    kind: `cost: ${canvases[0].positions.length} of ${constrained.positions} masked`,
    'model ms': median(times.model),
    'plain ms': median(times.plain),
    'constrained ms': median(times.constrained),
    ratio,
    spread: spread(times.constrained),
  };
  return { row, ratio };
}

/** Milliseconds of proposals, and megabytes of tables and scratch, on a random token automaton with 5,000 states and 50,000 edges, 256 positions. */
function largeAutomaton(): { times: number[]; megabytes: number } {
  const [states, edges, classes, vocabulary, length] = [5_000, 10, 200, 8_192, 256];
  const random = seeded(3);
  const below = (n: number) => Math.floor(random() * n);
  const before = process.memoryUsage().arrayBuffers;
  const classOf = Int32Array.from({ length: vocabulary }, () => 1 + below(classes - 1));
  const byClass = [...classOf.keys()].sort((a, b) => classOf[a] - classOf[b] || a - b);
  const classStart = new Int32Array(classes + 1);
  for (const k of classOf) classStart[k + 1]++;
  for (let k = 0; k < classes; k++) classStart[k + 1] += classStart[k];
  const groups = states * edges;
  const lift: Lift = {
    machine: { counters: [] } as unknown as Lift['machine'],
    effects: createEffects([]),
    cores: states,
    coreStates: Array.from({ length: states }, (_, q) => q),
    ...{ classOf, classes, classStart, classTokens: Int32Array.from(byClass) },
    groupStart: Int32Array.from({ length: states + 1 }, (_, q) => q * edges),
    groupTo: Int32Array.from({ length: groups }, () => below(states)),
    groupEffect: new Int32Array(groups),
    // Edge j of a state takes the class (state + 17 j) mod 199: no class twice at one state.
    groupSet: Int32Array.from({ length: groups }, (_, g) => (Math.floor(g / edges) + 17 * (g % edges)) % (classes - 1)),
    sets: classes - 1,
    setStart: Int32Array.from({ length: classes }, (_, s) => s),
    setClasses: Int32Array.from({ length: classes - 1 }, (_, s) => s + 1),
  };
  const graph = buildGraph(lift, -1, [{ core: 0, values: [] }], length);
  const frame = {
    ...{ graphs: [graph], links: [undefined], ruler: 1, startNode: 0, startRuler: 0, tail: true },
    accepting: Uint32Array.from({ length: graph.nodes }, () => (random() < 0.1 ? 1 : 0)),
  };
  const placement = { lengths: [length], firsts: [0], eos: 1, endFrom: 0, endUntil: length, allowedAt: new Map() };
  const proposer = createProposer(buildLattice(frame, placement));
  const rowsAt = process.memoryUsage().arrayBuffers;
  const rows = {
    positions: Int32Array.from({ length }, (_, i) => i),
    vocabulary,
    probabilities: new Float32Array(length * vocabulary).map(() => random() / 4_000),
  };
  const rowBytes = process.memoryUsage().arrayBuffers - rowsAt;
  const canvas = new Int32Array(length).fill(MASKED);
  const times: number[] = [];
  for (let round = -2; round < 9; round++) {
    const started = performance.now();
    proposer.propose(canvas, rows, { temperature: 1, random: () => Math.max(1e-9, random()) });
    if (round >= 0) times.push(performance.now() - started);
  }
  const megabytes = (process.memoryUsage().arrayBuffers - before - rowBytes) / 1e6;
  return { times, megabytes };
}
