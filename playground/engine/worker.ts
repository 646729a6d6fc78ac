/** The worker: the engine, answering the page and training in between. */
import { engineMemory } from '../../core/memory';
import { associate, spoil } from './associate';
import { load } from './load';
import type { Kind, Message, Question, Questions } from './protocol';
import type { Point } from './run';
import { Session } from './session';

/** Milliseconds of training between two looks at what the page wants. */
const TURN = 25;
/** Milliseconds between two reports. */
const REPORT = 80;

// a page may have little memory; the first call says how much is reserved
engineMemory(512);

let session: Session | undefined;
let playing = false;
let reported = 0;
let pending: Point[][] = [];

type Answers = { [K in Kind]: (ask: Questions[K]['ask']) => Questions[K]['answer'] };

const answers: Answers = {
  start(settings) {
    halt();
    // settings that are refused leave no run, not the one before
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
  trace: ({ run, row }) => now().trace(run, row),
  flow: ({ run }) => now().flow(run),
  jacobians: ({ run }) => now().jacobians(run),
  check() {
    const { variables, mistakes } = now().check();
    return { variables, mistakes };
  },
  examine: ({ mistake }) => now().check().examine(mistake),
  recall: associate,
  spoil,
  save: ({ run, losses }) => now().checkpoint(run, losses),
  load({ bytes, settings }) {
    const found = load(bytes, settings);
    halt();
    session = found.session;
    const { points, saysTask } = found;
    return { settings: session.settings, started: session.started, points, saysTask };
  },
};

/** Ends a run; what it has not told yet is of no use to the next one. */
function halt(): void {
  playing = false;
  pending = [];
}

function now(): Session {
  if (!session) throw new RangeError('playground: a run must have been started, got none');
  return session;
}

/** Trains for a while, reports, and lets the page have a word. */
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

/** From one list for each step to one for each run. */
const together = (steps: Point[][]): Point[][] =>
  now().runs.map((_, run) => steps.map((points) => points[run]));

const tell = (message: Message): void => postMessage(message);

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  const { id, kind, ask } = data;
  try {
    const answer = (answers[kind] as (ask: unknown) => unknown)(ask);
    tell({ kind: 'answer', id, answer });
  } catch (error) {
    tell({ kind: 'refused', id, reason: (error as Error).message });
  }
});
