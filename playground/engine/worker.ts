/** The web worker: runs the engine, answers the page's requests and trains in between. */
import { engineMemory } from '../../core/memory';
import type { Checker } from './check';
import { load } from './load';
import type { QuestionKind, Message, WorkerQuestion, Questions } from './protocol';
import type { CurvePoint } from './run';
import { outlineOf, unitAt } from './pass';
import { Session, type TracedPass } from './session';

/** Milliseconds of training between two checks for requests. */
const TURN = 25;
/** Milliseconds between two reports. */
const REPORT = 80;

// a page may have little memory; the first call sets how much is reserved
engineMemory(512);

let session: Session | undefined;
let playing = false;
let reported = 0;
let pending: CurvePoint[][] = [];
/** The pass that was traced last. */
let traced: TracedPass | undefined;
/** The gradient check that was asked for last. */
let checker: Checker | undefined;

type Answers = {
  [K in QuestionKind]: (ask: Questions[K]['ask']) => Questions[K]['answer'] | Promise<Questions[K]['answer']>;
};
// loaded when they are first asked for
const checks = () => import('./check');
const derive = () => import('./derive');
const own = () => import('./own');
const layouts = () => import('../equations/layout');
const memory = () => import('./associate');

const answers: Answers = {
  start(settings) {
    halt();
    // rejected settings leave no run, not the previous one
    session = undefined;
    session = new Session(settings);
    return session.started;
  },
  play(on) {
    if (on && !playing) setTimeout(turn);
    playing = on;
    if (!on) report();
    return playing;
  },
  step(count) {
    report();
    return together(Array.from({ length: count }, () => now().step()));
  },
  sample: ({ run, length, temperature }) => now().sample(run, length, temperature),
  prediction: ({ run }) => now().prediction(run),
  trace({ run, row }) {
    traced = now().trace(run, row);
    return outlineOf(traced);
  },
  unit: (asked) => (traced ? unitAt(traced, asked) : null),
  flow: ({ run }) => now().flow(run),
  jacobians: ({ run }) => now().jacobians(run),
  async check(text) {
    const { Checker } = await checks();
    checker = text === null ? Checker.of(now().settings) : Checker.ofMistake(text);
    const { variables, mistakes } = checker;
    return { variables, mistakes };
  },
  async examine({ mistake }) {
    const { Checker } = await checks();
    checker ??= Checker.of(now().settings);
    return checker.examine(mistake);
  },
  diagnose: async (text) => (await checks()).tell(text),
  exercises: async () => (await derive()).allExercises(),
  derive: async ({ name, text, level }) => (await derive()).derivationOf(name).judge(text, level),
  nextLine: async ({ name, text }) => (await derive()).derivationOf(name).next(text) ?? null,
  templates: async () => (await own()).templates(),
  checkCell: async (text) => (await own()).checkCell(text),
  repairCell: async (text) => (await own()).repairsOf(text),
  layout: async ({ equations, numbered }) => (await layouts()).layoutOf(equations, numbered),
  recall: async (asked) => (await memory()).associate(asked),
  spoil: async (asked) => (await memory()).spoil(asked),
  save: ({ run, losses }) => now().checkpoint(run, losses),
  load({ bytes, settings }) {
    const found = load(bytes, settings);
    halt();
    session = found.session;
    const { points, saysTask } = found;
    return { settings: session.settings, started: session.started, points, saysTask };
  },
};

/** Ends a run and discards its unreported points. */
function halt(): void {
  playing = false;
  pending = [];
  traced = undefined;
  checker = undefined;
}

function now(): Session {
  if (!session) throw new RangeError('playground: a run must have been started, got none');
  return session;
}

/** Trains for a while, reports, and yields to requests. */
function turn(): void {
  if (!playing) return;
  try {
    const until = performance.now() + TURN;
    do pending.push(now().step());
    while (performance.now() < until);
  } catch (error) {
    playing = false;
    report();
    return tell({ kind: 'failed', reason: (error as Error).message });
  }
  if (performance.now() - reported > REPORT) report();
  setTimeout(turn);
}

function report(): void {
  if (pending.length > 0) tell({ kind: 'progress', points: together(pending) });
  pending = [];
  reported = performance.now();
}

/** Transposes a list per step to a list per run. */
const together = (steps: CurvePoint[][]): CurvePoint[][] =>
  now().runs.map((_, run) => steps.map((points) => points[run]));

const tell = (message: Message): void => postMessage(message);

addEventListener('message', ({ data }: MessageEvent<WorkerQuestion>) => {
  const { id, kind, ask } = data;
  const refuse = (error: unknown): void => tell({ kind: 'refused', id, reason: (error as Error).message });
  try {
    const answer = (answers[kind] as (ask: unknown) => unknown)(ask);
    if (answer instanceof Promise)
      answer.then((later) => tell({ kind: 'answer', id, answer: later }), refuse);
    else tell({ kind: 'answer', id, answer });
  } catch (error) {
    refuse(error);
  }
});
