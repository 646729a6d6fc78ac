/** Trains a character model: batches, validation, samples and checkpoints. */
import * as v from 'valibot';
import { Random } from '../core/random/random';
import type { ExecutorName } from '../core/programs/executor';
import { outputOf } from '../cells/cell';
import { embedding } from '../cells/embedding';
import type { Batch } from '../bptt/network/batch/batch';
import { LossCurve } from '../bptt/train/curve';
import { fit, type StepInfo, type FitResult } from '../bptt/train/fit';
import { gradcheck, type GradcheckReport } from '../bptt/check/gradcheck';
import type { Oracle } from '../bptt/check/row';
import { mustHaveRoom } from '../bptt/network/need';
import { copyNetwork, network, type Network } from '../bptt/network/network';
import type { States } from '../bptt/network/batch/states';
import { optimizer, type Optimizer } from '../bptt/train/optimizers';
import type { Plateau, PlateauState } from '../bptt/train/plateau';
import { schedule } from '../bptt/train/schedules';
import { parallel, type Parallel } from '../bptt/parallel/parallel';
import { MOST_UNASKED, teamFor } from '../bptt/parallel/threads';
import type { StreamBatch } from '../bptt/train/source';
import { settle } from '../bptt/train/updates';
import type { Checkpoint } from '../io/checkpoint';
import { parseWith } from '../io/metadata';
import { splitText, Streams, type Chunk, type TextIndices } from './streams';
import type { Text } from './read';
import type { TextTokens, Vocabulary } from '../io/vocabulary';
import { usage, using } from '../terminal/errors';
import { defaultPrime, generateText } from './generate';
import { makeCell } from '../run/cellchoice';
import {
  BITS,
  factsOf,
  linesOfEvent,
  symbolBits,
  type End,
  type Event,
  type SampleEvent,
  type Start,
  type Step,
  type Validation,
} from './events';
import { plotCurves } from '../run/plot';
import { settingsSchema, type TextSettings } from './settings';
import { lowered, onOtherData, plateauOf, plateauState, rateOf } from '../run/plateau';
import { NOISE_FIX, noiseOf, PICTURE } from '../run/settings';
import type { Ending, Pace, RunOptions, Trainee, Words } from '../run/trainee';

/** Steps between two validations. */
const VALIDATE_EVERY = 100;
/** Maximum number of symbols of a validation during training, and of the final one. */
const QUICK_VALIDATION = 8192;
const FULL_VALIDATION = 200_000;
const SAMPLE_LENGTH = 200;

/** How events are told of a text of these symbols. */
const wordsFor = (tokens: TextTokens): Words => ({
  lines: (event, last) => linesOfEvent(event as Event, last as Validation | undefined, tokens),
  factsOf: (step, last) => factsOf(step as Step, last as Validation | undefined, tokens),
});

const finite = v.pipe(v.number(), v.finite());
const restSchema = v.strictObject({
  interval: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  sum: finite,
  count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
/** The `training` entry in the checkpoint of a text run. */
const trainingSchema = v.strictObject({
  settings: settingsSchema,
  curves: v.strictObject({ training: restSchema, validation: restSchema }),
  /** Absent without a plateau. */
  plateau: v.optional(plateauState),
});

/** Whether a checkpoint was saved by a training run, rather than through the API. */
export const isRun = ({ training }: Checkpoint): boolean =>
  typeof training === 'object' && training !== null && 'settings' in training;

/** The settings in the checkpoint of a training run. */
export const settingsOf = ({ training }: Checkpoint): TextSettings =>
  parseWith(trainingSchema, training, 'checkpoint: training').settings;

/** The settings in a checkpoint, or undefined if no training run saved it. */
export const settingsIn = ({ training }: Checkpoint): TextSettings | undefined =>
  v.is(trainingSchema, training) ? training.settings : undefined;

interface Parts {
  settings: TextSettings;
  /** Requested number of threads; if absent, as many as speed up training. */
  threads?: number;
  text: Text;
  network: Network;
  optimizer: Optimizer;
  states: Record<string, ArrayLike<number>>;
  curves: { training: LossCurve; validation: LossCurve };
  /** Where a resumed run continues. */
  plateau?: PlateauState | undefined;
}

/** A character model in training. */
export class Trainer implements Trainee {
  readonly words: Words;
  readonly streams: Streams;
  /** Absent when the text is too short for it. */
  readonly validation: Streams | undefined;

  private team: Parallel | undefined;
  private readonly plateau: Plateau | undefined;
  /** The validation loss after the last step. */
  private final: ReturnType<Trainer['validate']>;

  private constructor(private readonly parts: Parts) {
    ({ training: this.streams, validation: this.validation } = streamsFor(parts.settings, parts.text));
    this.words = wordsFor(parts.text.vocabulary.tokens);
    this.plateau = plateauOf(parts.settings.plateau, this.validation !== undefined, parts.plateau);
  }

  /** Begins with a new model for a text. */
  static begin(settings: TextSettings, text: Text): Trainer {
    const { cell, layers, hidden, embedding: width, dtype, seed, lr, threads, chrono } = settings;
    const classes = text.vocabulary.size;
    const lowest = makeCell(cell, { input: width ?? classes, hidden }, { chrono });
    const upper = () => makeCell(cell, { input: outputOf(lowest).width, hidden }, { chrono });
    streamsFor(settings, text); // a text that is too short is refused first, because the batch depends on it
    mustHaveRoom(
      {
        cells: [
          { cell: lowest, times: 1 },
          { cell: upper(), times: layers - 1 },
        ],
        output: classes,
        T: settings.seq,
        B: settings.batch,
        ...{ threads: settings.threads ?? MOST_UNASKED, dtype },
        rows: 2 + settle({ name: settings.optimizer }).rule.states.length,
      },
      'train',
    );
    const stack = Array.from({ length: layers }, (_, l) => (l === 0 ? lowest : upper()));
    const table = width === undefined ? [] : [embedding({ input: classes, width })];
    const executor = settings.executor as ExecutorName;
    const noise = noiseOf(settings);
    const net = using(
      () =>
        network({
          layers: [...table, ...stack],
          ...{ output: classes, loss: 'softmax', dtype, seed, executor, ...noise },
        }),
      NOISE_FIX,
    );
    const made = optimizer(net, { name: settings.optimizer, learningRate: lr });
    const curves = { training: new LossCurve(), validation: new LossCurve() };
    return new Trainer({ settings, threads, text, network: net, optimizer: made, states: {}, curves });
  }

  /** Resumes the model of a checkpoint, at the step where it was saved. */
  static resume(settings: TextSettings, text: Text, { network: net, ...from }: Checkpoint): Trainer {
    const before = parseWith(trainingSchema, from.training, 'checkpoint: training');
    const { curves: rests } = before;
    if (!from.optimizer || !from.curves || !from.states)
      throw usage(
        'train: --resume must name a checkpoint of a training run, got one without an optimizer state',
      );
    // a new learning rate replaces the old one; the optimizer's state stays
    const made = optimizer(net, { ...from.optimizer.options, learningRate: settings.lr });
    made.load(from.optimizer.state());
    const curves = {
      training: LossCurve.from(from.curves.training, rests.training),
      validation: LossCurve.from(from.curves.validation, rests.validation),
    };
    const { threads = 1 } = settings; // a resumed run keeps its number of threads
    const { states } = from;
    const isSame = settings.sha256 === before.settings.sha256;
    const plateau = isSame ? before.plateau : onOtherData(before.plateau);
    return new Trainer({ settings, threads, text, network: net, optimizer: made, states, curves, plateau });
  }

  /** Trains a network that a program saved, from the start of a text; without its optimizer, by a new one. */
  static adopt(settings: TextSettings, text: Text, { network: net, optimizer: from }: Checkpoint): Trainer {
    const own = from?.options ?? { name: settings.optimizer };
    const made = optimizer(net, { ...own, learningRate: settings.lr });
    if (from) made.load(from.state());
    const curves = { training: new LossCurve(), validation: new LossCurve() };
    const { threads } = settings;
    return new Trainer({ settings, threads, text, network: net, optimizer: made, states: {}, curves });
  }

  get settings(): TextSettings {
    return this.parts.settings;
  }
  get network(): Network {
    return this.parts.network;
  }
  get vocabulary(): Vocabulary {
    return this.parts.text.vocabulary;
  }
  get curves(): Parts['curves'] {
    return this.parts.curves;
  }
  /** Updates made so far, including those before a resume. */
  get steps(): number {
    return this.parts.optimizer.steps;
  }

  /** Whether the schedule has ended: the learning rate is zero for the next step and all later ones. */
  get spent(): boolean {
    return schedule(this.settings.schedule)(this.steps) === 0;
  }

  /** Number of threads that compute, once they are started. */
  get threads(): number {
    return this.team?.threads ?? 1;
  }

  /** Starts the threads; returns why there are fewer than requested, or an empty string. */
  async start(): Promise<string> {
    const { network: net, settings, threads } = this.parts;
    const first = batchOf(this.streams.chunk(0), this.streams);
    this.team = await (threads === undefined ? teamFor(net, first) : parallel(net, threads));
    this.parts.settings = { ...settings, threads: this.threads > 1 ? this.threads : undefined };
    return this.team.note;
  }

  /** Stops the threads. */
  close(): void {
    this.team?.close();
  }

  /** Trains until the limit of the settings, or until the signal aborts. */
  async run({ signal, onStep }: RunOptions): Promise<FitResult['stopped']> {
    const { settings, optimizer: made, network: net, curves } = this.parts;
    const { clip, steps, seconds } = settings;
    const summary = await fit(net, this.batches(), {
      optimizer: made,
      schedule: rateOf(settings.schedule, this.plateau),
      threads: this.team ?? 1,
      ...(clip !== null && { clip: { norm: clip } }),
      ...(steps !== null && { steps }),
      ...(seconds !== null && { seconds }),
      curve: curves.training,
      signal,
      onStep: (info) => {
        this.parts.states = info.states;
        return onStep(info);
      },
    });
    return summary.stopped;
  }

  opening(out: string): Start {
    const { settings, streams, validation, network: net, vocabulary, threads, steps: step } = this;
    return {
      event: 'start',
      settings,
      symbols: streams.symbols,
      validationSymbols: validation?.symbols ?? 0,
      classes: vocabulary.size,
      parameters: net.parameters.count,
      threads,
      step,
      out,
    };
  }

  stepped({ step, loss, gradientNorm, learningRate }: StepInfo, { average, rate, ...pace }: Pace): Step {
    return {
      event: 'step',
      ...{ step, loss, bits: average * BITS, charsPerSecond: rate, gradientNorm, learningRate },
      ...pace,
    };
  }

  /** Computes the loss on a part of the validation text if a validation is due at this step. */
  validateWhenDue(): Validation | undefined {
    const { steps: step } = this;
    if (step % VALIDATE_EVERY !== 0) return undefined;
    const loss = this.validate(QUICK_VALIDATION)?.loss;
    if (loss === undefined) return undefined;
    this.curves.validation.add(step, loss);
    return {
      event: 'validation',
      step,
      loss,
      bits: loss * BITS,
      ...lowered(this.plateau, loss, this.settings.lr),
    };
  }

  pictures(): Promise<Record<string, string>> {
    const last = this.validate();
    this.final = last;
    return plotCurves(this.curves, symbolBits(this.vocabulary.tokens), last && [this.steps, last.loss]).then(
      (svg) => ({
        [PICTURE]: svg,
      }),
    );
  }

  closing({ stopped, made, seconds, training, resume, command, file }: Ending): End {
    const { batch, seq } = this.settings;
    return {
      event: 'end',
      ...{ stopped, step: this.steps, characters: made * batch * seq, seconds, training },
      validation: this.final?.loss,
      validationSymbols: this.final?.symbols,
      next: [command(`sample ${file} --temperature 0.7 --length 500`), resume, command('check --mutants')],
    };
  }

  /** Mean loss on the validation text, or on about its first `most` symbols. */
  validate(most = FULL_VALIDATION): { loss: number; symbols: number } | undefined {
    const { validation } = this;
    if (!validation) return undefined;
    const perChunk = validation.T * validation.B;
    const chunks = Math.min(validation.chunks, Math.max(1, Math.ceil(most / perChunk)));
    let sum = 0;
    let from: States | undefined;
    for (let k = 0; k < chunks; k++) {
      const { loss, states } = this.network.forward(batchOf(validation.chunk(k), validation), { from });
      from = states;
      sum += loss;
    }
    return { loss: sum / chunks, symbols: chunks * perChunk };
  }

  /** A sample from the current model; deterministic for a given step. */
  sample(length = SAMPLE_LENGTH): SampleEvent {
    const { vocabulary } = this;
    const { indices } = vocabulary.encode(defaultPrime(vocabulary));
    const random = new Random((this.settings.seed ^ this.steps) >>> 0);
    const symbols = generateText(this.network, vocabulary, { temperature: 0.7, prime: indices, random });
    const text = Array.from({ length }, () => symbols.next().value).join('');
    return { event: 'sample', step: this.steps, text };
  }

  /** Everything that is needed to resume the run. */
  checkpoint(): Checkpoint {
    const { settings, text, network: net, optimizer: made, states, curves } = this.parts;
    const { training, validation } = curves;
    return {
      network: net,
      optimizer: made,
      states,
      vocabulary: text.vocabulary,
      curves: { training: training.pairs, validation: validation.pairs },
      training: {
        settings,
        curves: { training: training.rest, validation: validation.rest },
        ...(this.plateau && { plateau: this.plateau.state }),
      },
    };
  }

  /** Checks the gradients of this very network: on a float64 copy, with a small slice of its text. */
  gradcheck(): GradcheckReport {
    const copy = copyNetwork(this.network);
    // a full sequence has priority over a second row: a tiny text may not have both
    const { indices } = this.parts.text;
    const T = Math.min(3, indices.length - 1);
    const slice = new Streams(indices, Math.min(2, Math.floor((indices.length - 1) / T)), T);
    const batch = batchOf(slice.chunk(0), slice);
    // without Jacobians: training uses none
    const oracles: Oracle[] = ['differences', 'forwardMode', 'doubleSum', 'statement'];
    return gradcheck(copy, { batch, oracles, coordinates: 10, directions: 2, seed: this.settings.seed });
  }

  /** All chunks in order, pass after pass; states are carried over between chunks within a pass. */
  private *batches(): Generator<StreamBatch, never> {
    // a resumed run starts from the states in its checkpoint
    let before: StreamBatch['initial'] = this.parts.states;
    for (;;) {
      const k = (this.steps - (this.settings.begun ?? 0)) % this.streams.chunks;
      const batch = batchOf(this.streams.chunk(k), this.streams);
      yield { ...batch, initial: k === 0 ? 'zero' : before, clock: k * this.streams.T };
      before = 'carry';
    }
  }
}

const batchOf = ({ x, targets }: Chunk, { T, B }: Streams): Batch => ({
  x: { shape: [T, B], numbers: x },
  targets: { shape: [T, B], numbers: targets },
});

/**
 * Splits the text as a run with these settings uses it: the end is reserved for validation.
 * @throws CommandError when it is too short.
 */
export function streamsFor(
  { batch, seq }: TextSettings,
  { indices }: Text,
): { training: Streams; validation: Streams | undefined } {
  const split = splitText(indices, seq + 1);
  const training = streamsOf(split.training, batch, seq);
  if (!split.validation) return { training, validation: undefined };
  const rows = Math.min(batch, Math.floor((split.validation.length - 1) / seq));
  return { training, validation: new Streams(split.validation, rows, seq) };
}

function streamsOf(indices: TextIndices, batch: number, seq: number): Streams {
  const steps = indices.length - 1;
  if (steps < batch * seq) {
    const fewer = Math.floor(steps / seq);
    const fix = fewer >= 1 ? `--batch ${fewer}` : `--batch 1 --seq ${Math.max(1, Math.floor(steps / 2))}`;
    throw usage(
      `train: --text must hold at least ${batch * seq + 1} symbols for training, got ${indices.length} ` +
        `(--batch ${batch} × --seq ${seq}, plus 1)`,
      steps >= 1 ? `${fix}, or a longer text` : 'a longer text',
    );
  }
  return new Streams(indices, batch, seq);
}
