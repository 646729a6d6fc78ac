/** Trains a task: epochs of batches, validation, and early stopping that keeps the best weights. */
import * as v from 'valibot';
import type { ExecutorName } from '../core/programs/executor';
import { copyNetwork, network, type Network } from '../bptt/network/network';
import { mustHaveRoom } from '../bptt/network/need';
import { gradcheck, type GradcheckReport } from '../bptt/check/gradcheck';
import { parallel, type Parallel } from '../bptt/parallel/parallel';
import { MOST_UNASKED, teamFor } from '../bptt/parallel/threads';
import { Best, type BestSoFar } from '../bptt/train/best';
import { LossCurve } from '../bptt/train/curve';
import { fit, type FitResult, type StepInfo } from '../bptt/train/fit';
import { evaluate } from '../bptt/train/learner';
import { optimizer, type Optimizer } from '../bptt/train/optimizers';
import type { Plateau, PlateauState } from '../bptt/train/plateau';
import { schedule } from '../bptt/train/schedules';
import { settle } from '../bptt/train/updates';
import type { Batch } from '../bptt/network/batch/batch';
import type { FlatNumbers } from '../bptt/network/batch/numbers';
import { endsInOne } from '../bptt/network/topology';
import { greatest } from '../core/programs/reduce';
import { Epoch } from '../data/epoch';
import type { FileFormat, Table } from '../data/table';
import type { Checkpoint, CheckpointToSave } from '../io/checkpoint';
import { parseWith } from '../io/metadata';
import { usage, using } from '../terminal/errors';
import { cellLabel, makeCell } from '../run/cellchoice';
import { count, short, time } from '../core/format';
import { linesOfRun, rateNow, row, type RunEvent } from '../run/events';
import { lowered, plateauOf, plateauState, rateOf } from '../run/plateau';
import { plotCurves } from '../run/plot';
import { NOISE_FIX, noiseOf, PICTURE } from '../run/settings';
import type { Ending, Pace, RunOptions, ProgressEvent, StepEvent, Trainee, Words } from '../run/trainee';
import { batchesOf, stepCount } from './outputs';
import { stacksOf } from './stacks';
import { roundedUp } from './padding';
import { formatSchema, olderFormat } from './reading';
import { settingsSchema, type Settings } from './settings';
import type { Examples, Judgement, Parts, Task } from './task';
import { taskNames, taskOf } from './tasks';

/** Steps of a sequence in the gradient check. */
const STEPS_CHECKED = 3;
/** Maximum number of steps between two validations. */
const VALIDATE_EVERY = 100;

const finite = v.pipe(v.number(), v.finite());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const rest = v.strictObject({ interval: v.pipe(whole, v.minValue(1)), sum: finite, count: whole });
/** The `training` entry in the checkpoint of a task. */
const trainingSchema = v.strictObject({
  task: v.picklist(taskNames),
  settings: settingsSchema,
  note: v.unknown(),
  /** How the file was read; checkpoints from before it was stored have none. */
  format: v.optional(formatSchema),
  curves: v.strictObject({ training: rest, validation: rest }),
  /** Absent without a plateau. */
  plateau: v.optional(plateauState),
  best: v.optional(v.strictObject({ step: whole, loss: finite, since: whole })),
});
type Training = v.InferOutput<typeof trainingSchema>;

/** The entries that identify the task and its preparation. */
export interface TaskNote {
  task: Task;
  settings: Settings;
  note: unknown;
  /** How the file was read. */
  format: FileFormat;
}

/** Whether a checkpoint was saved by a run of a task, rather than of text. */
export const isTaskRun = ({ training }: Checkpoint): boolean =>
  typeof training === 'object' && training !== null && 'task' in training;

/** @throws TypeError when the entry is malformed. */
export function readTaskNote(checkpoint: Checkpoint): TaskNote & Omit<Training, 'task' | 'format'> {
  const { task: name, ...training } = parseWith(trainingSchema, checkpoint.training, 'checkpoint: training');
  const task = taskOf(name, 'checkpoint: training.task must be one of');
  const note = parseWith(task.note, training.note, 'checkpoint: training.note');
  return { ...training, task, note, format: training.format ?? olderFormat(task, note) };
}

interface Start extends ProgressEvent {
  event: 'start';
  lines: string[];
}
interface Step extends StepEvent {
  loss: number;
  average: number;
  sequencesPerSecond: number;
  gradientNorm: number;
  learningRate: number;
  secondsLeft: number;
}
interface Validation extends ProgressEvent {
  event: 'validation';
  step: number;
  loss: number;
  /** Present if it has been lowered. */
  learningRate?: number;
}
interface End extends ProgressEvent {
  event: 'end';
  lines: string[];
}

const words: Words = {
  factsOf(event, last) {
    const { average, secondsLeft, sequencesPerSecond, gradientNorm } = event as Step;
    return [
      `loss ${short(average)}`,
      ...(last ? [`validation ${short((last as Validation).loss)}`] : []),
      `${time(secondsLeft)} left`,
      `${count(sequencesPerSecond)} sequences/s`,
      `gradient ${short(gradientNorm)}`,
    ];
  },
  lines(event, last) {
    if (event.event === 'start' || event.event === 'end') return (event as Start | End).lines;
    if (event.event === 'step')
      return [[`step ${count((event as Step).step)}`, ...words.factsOf(event as Step, last)].join('  ')];
    if (event.event === 'validation') {
      const { step, loss } = event as Validation;
      return [`validation at step ${count(step)}: ${short(loss)}${rateNow(event as Validation)}`];
    }
    return linesOfRun(event as RunEvent);
  },
};

/** A task in training, created by `begin` or `resume`. */
export class TaskTrainer implements Trainee {
  readonly words = words;
  private team: Parallel | undefined;
  private readonly parts: Parts;
  private readonly best: Best;
  private readonly plateau: Plateau | undefined;
  /** Mean number of time steps in a sequence. */
  private readonly meanSteps: number;
  /** Steps in an epoch. */
  private readonly epochSteps: number;

  private constructor(
    private readonly task: Task,
    private readonly note: unknown,
    private readonly table: Table,
    private readonly format: FileFormat,
    public settings: Settings,
    readonly network: Network,
    private readonly optimizer: Optimizer,
    readonly curves: Trainee['curves'],
    from: { best?: BestSoFar | undefined; plateau?: PlateauState | undefined } = {},
  ) {
    this.parts = task.parts(table, note);
    const { patience, batch } = settings;
    const { training } = this.parts;
    const { lengths } = training;
    this.epochSteps = Math.ceil(training.count / batch);
    this.meanSteps = lengths ? lengths.reduce((a, b) => a + b, 0) / training.count : stepCount(training);
    this.best = new Best(optimizer, { patience: patience ?? Infinity });
    this.best.state = from.best;
    this.plateau = plateauOf(settings.plateau, this.parts.validation !== undefined, from.plateau);
  }

  /** Begins with a new network for a table. @throws RangeError when it does not fit in memory. */
  static begin(task: Task, note: unknown, table: Table, settings: Settings): TaskTrainer {
    const { cell, layers, hidden, dtype, seed, lr, chrono } = settings;
    const shape = task.network(note);
    const { training } = task.parts(table, note);
    const { lengths } = training;
    const T = lengths ? roundedUp(greatest(lengths)) : stepCount(training);
    const B = Math.min(settings.batch, training.count);
    const rows = 2 + settle({ name: settings.optimizer }).rule.states.length;
    const threads = settings.threads ?? MOST_UNASKED;
    const { cells, options } = stacksOf(shape, (sizes) => makeCell(cell, sizes, { chrono }), {
      layers,
      hidden,
    });
    mustHaveRoom({ cells, output: shape.output, T, B, threads, dtype, rows }, 'train');
    const executor = settings.executor as ExecutorName;
    const noise = noiseOf(settings);
    const net = using(() => network({ ...options, ...noise, dtype, seed, executor }), NOISE_FIX);
    const made = optimizer(net, { name: settings.optimizer, learningRate: lr });
    const curves = { training: new LossCurve(), validation: new LossCurve() };
    return new TaskTrainer(task, note, table, formatFor(task, note, table), settings, net, made, curves);
  }

  /** Resumes the network of a checkpoint, at the step where it was saved. */
  static resume(
    table: Table,
    settings: Settings,
    checkpoint: Required<Pick<Checkpoint, 'curves'>> & Checkpoint,
  ): TaskTrainer {
    const { task, note, curves: rests, best, plateau } = readTaskNote(checkpoint);
    const { network: net, optimizer: from, best: snapshot } = checkpoint;
    if (!from)
      throw usage(
        'train: --resume must name a checkpoint of a training run, got one without an optimizer state',
      );
    const made = optimizer(net, { ...from.options, learningRate: settings.lr });
    made.load(from.state());
    const curves = {
      training: LossCurve.from(checkpoint.curves.training, rests.training),
      validation: LossCurve.from(checkpoint.curves.validation, rests.validation),
    };
    const state = best &&
      snapshot && { point: { step: best.step, loss: best.loss }, since: best.since, snapshot };
    const { format = formatFor(task, note, table) } = checkpoint.training as Training;
    const own = { threads: 1, ...settings };
    return new TaskTrainer(task, note, table, format, own, net, made, curves, { best: state, plateau });
  }

  get steps(): number {
    return this.optimizer.steps;
  }

  get spent(): boolean {
    return schedule(this.settings.schedule)(this.steps) === 0;
  }

  async start(): Promise<string> {
    const { threads } = this.settings;
    const first = this.parts.training.batch(this.rowsOf(0));
    this.team = await (threads === undefined
      ? teamFor(this.network, first)
      : parallel(this.network, threads));
    this.settings = { ...this.settings, threads: this.team.threads > 1 ? this.team.threads : undefined };
    return this.team.note;
  }

  close(): void {
    this.team?.close();
  }

  async run({ signal, onStep }: RunOptions): Promise<FitResult['stopped']> {
    const { clip, steps, seconds, schedule: rate } = this.settings;
    const summary = await fit(this.network, this.batches(), {
      optimizer: this.optimizer,
      schedule: rateOf(rate, this.plateau),
      threads: this.team ?? 1,
      ...(clip !== null && { clip: { norm: clip } }),
      ...(steps !== null && { steps }),
      ...(seconds !== null && { seconds }),
      curve: this.curves.training,
      signal,
      onStep: async (info) => {
        await onStep(info);
        return !this.best.exhausted;
      },
    });
    if (summary.stopped === 'aborted') return 'aborted';
    this.ran = { steps: this.steps, patience: this.best.exhausted };
    this.best.restore();
    return this.best.exhausted ? 'patience' : summary.stopped;
  }
  private ran = { steps: 0, patience: false };

  validateWhenDue(): Validation | undefined {
    const { steps: step } = this;
    const { validation } = this.parts;
    if (!validation || step % Math.min(VALIDATE_EVERY, this.epochSteps) !== 0) return undefined;
    const loss = this.lossOf(validation);
    this.curves.validation.add(step, loss);
    this.best.see({ step, loss });
    return { event: 'validation', step, loss, ...lowered(this.plateau, loss, this.settings.lr) };
  }

  checkpoint(): CheckpointToSave {
    const { task, settings, note, format, curves, network: net } = this;
    const best = this.best.state;
    // after they are restored, the best weights are those of the network itself
    const apart = best && best.snapshot.steps !== this.steps ? best : undefined;
    return {
      network: net,
      optimizer: this.optimizer,
      ...(apart && { best: apart.snapshot }),
      curves: { training: curves.training.pairs, validation: curves.validation.pairs },
      training: {
        task: task.name,
        settings,
        note,
        format,
        curves: { training: curves.training.rest, validation: curves.validation.rest },
        ...(this.plateau && { plateau: this.plateau.state }),
        ...(apart && { best: { ...apart.point, since: apart.since } }),
      },
    };
  }

  gradcheck(): GradcheckReport {
    const copy = copyNetwork(this.network);
    const { training } = this.parts;
    const batch = training.batch(training.count > 1 ? [0, 1] : [0]);
    return gradcheck(copy, {
      batch: shortened(batch, endsInOne(this.network.architecture.topology)),
      oracles: ['differences', 'forwardMode', 'doubleSum', 'statement'],
      coordinates: 10,
      directions: 2,
      seed: this.settings.seed,
    });
  }

  opening(out: string): Start {
    const { task, settings: s, note, table, parts, network: net, steps } = this;
    const { training, validation, test } = parts;
    const of = (part: Examples | undefined): string => count(part?.count ?? 0);
    const limits = [
      s.steps === null ? '' : `to step ${count(s.steps)}`,
      s.seconds === null ? '' : `for ${s.seconds} s`,
      s.patience === undefined || !validation ? '' : `until ${s.patience} validations bring nothing`,
    ];
    const described = task.describe(table, note);
    return {
      event: 'start',
      ...{ task: task.name, settings: s, note, training: training.count },
      ...{
        validation: validation?.count ?? 0,
        test: test?.count ?? 0,
        parameters: net.parameters.count,
        step: steps,
        out,
      },
      lines: [
        ...described.map(([name, text]) => row(name, text)),
        row(
          'examples',
          `${of(training)} for training, ${of(validation)} for validation, ${of(test)} for the test`,
        ),
        row(
          'network',
          `${cellLabel(s.cell)}, ${s.layers} ${s.layers === 1 ? 'layer' : 'layers'} of ${s.hidden}; ${count(net.parameters.count)} parameters; ${s.dtype}, ${s.executor} executor`,
        ),
        row(
          'training',
          `${s.batch} sequences a step; ${s.optimizer}, rate ${s.lr}${s.plateau === undefined ? '' : `, plateau ${s.plateau}`}, clip ${s.clip ?? 'off'}; ${limits.filter(Boolean).join(', ')}`,
        ),
        row('loss', task.unit(note)),
        row('output', steps > 0 ? `${out}, from step ${count(steps)} on` : out),
      ],
    };
  }

  stepped({ step, loss, gradientNorm, learningRate }: StepInfo, { average, rate, ...pace }: Pace): Step {
    return {
      event: 'step',
      ...{ step, loss, average, sequencesPerSecond: rate / this.meanSteps, gradientNorm, learningRate },
      ...pace,
    };
  }

  async pictures(): Promise<Record<string, string>> {
    const loss = await plotCurves(this.curves, { label: this.task.unit(this.note), unit: 1 });
    return { [PICTURE]: loss, ...(await this.judged?.pictures()) };
  }

  closing({ stopped, made, seconds, training, resume, command, file }: Ending): End {
    const { judged, best } = this;
    const steps = this.ran.steps;
    const restored =
      best.point === undefined
        ? ''
        : `; kept those of step ${count(best.point.step)}, validation ${short(best.point.loss)}`;
    const why = this.ran.patience ? `, where ${this.settings.patience} validations had brought nothing` : '';
    const next = [command(`predict ${file} FILE`), command(`evaluate ${file} FILE`), resume];
    return {
      event: 'end',
      ...{ stopped, step: steps, made, seconds, training, best: best.point, test: judged?.figures, next },
      lines: [
        row('trained', `to step ${count(steps)}${why}, in ${seconds.toFixed(1)} s${restored}`),
        ...(judged ? ['test, never looked at before:', ...judged.lines] : ['too few rows for a test']),
        '',
        'next:',
        ...next.map((line) => `  ${line}`),
      ],
    };
  }

  /** Evaluates the final weights on the test part. */
  private get judged(): Judgement | undefined {
    const { test } = this.parts;
    this.judgement ??= test && this.task.judge(this.network, test, this.table, this.note);
    return this.judgement;
  }
  private judgement: Judgement | undefined;

  private lossOf(examples: Examples): number {
    const total = { loss: 0, rows: 0 };
    for (const rows of batchesOf(examples)) {
      const { loss, rows: n } = evaluate(this.network, examples.batch(rows));
      total.loss += loss;
      total.rows += n;
    }
    return total.loss / total.rows;
  }

  /** The rows of the batch of a step: the order in an epoch depends on the seed and the epoch alone. */
  private rowsOf(step: number): number[] {
    const { training } = this.parts;
    const number = Math.floor(step / this.epochSteps);
    if (this.order?.number !== number) {
      const seed = (Math.imul(this.settings.seed + 1, 0x9e3779b9) + number) >>> 0;
      const { batch: size } = this.settings;
      this.order = { number, batches: new Epoch(training.count, { size, lengths: training.lengths, seed }) };
    }
    return this.order.batches.batch(step % this.epochSteps);
  }
  private order: { number: number; batches: Epoch } | undefined;

  private *batches(): Generator<Batch, never> {
    for (;;) yield this.parts.training.batch(this.rowsOf(this.steps));
  }
}

/** How the columns of a table that a task reads are written. */
const formatFor = (task: Task, note: unknown, table: Table): FileFormat =>
  table.format(Object.keys(task.reads(note)));

/** Three steps of a batch, the last three if no row is padded: a short batch for the gradient check. */
function shortened({ x, targets, weights, lengths, targetLengths, ...rest }: Batch, one: boolean): Batch {
  const part = (given: Batch['x'], padded: boolean): FlatNumbers => {
    const { shape: whole, numbers } = given as FlatNumbers;
    const T = Math.min(STEPS_CHECKED, whole[0]);
    const from = padded ? 0 : whole[0] - T;
    const others = whole.slice(1);
    const size = others.reduce((a, b) => a * b, 1);
    return { shape: [T, ...others], numbers: Array.from(numbers).slice(from * size, (from + T) * size) };
  };
  const padded = (targetLengths ?? lengths) !== undefined;
  const own = (given: Batch['x']): Batch['x'] => (one ? given : part(given, padded));
  const cut = (all: readonly number[]): number[] => all.map((n) => Math.min(n, STEPS_CHECKED));
  return {
    ...rest,
    x: part(x, lengths !== undefined),
    ...(targets && { targets: own(targets) }),
    ...(weights && { weights: own(weights) }),
    ...(lengths && { lengths: cut(lengths) }),
    ...(targetLengths && { targetLengths: cut(targetLengths) }),
  };
}
