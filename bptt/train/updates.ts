/**
 * The update equations of the optimisers, one rule each: statement, memory, and what changes with the step.
 *
 *   p parameter   g its gradient   d = g + weightDecay · p   (adamw shrinks p instead)
 *
 * Source: the semantics and defaults of torch.optim; RMSprop: Tieleman & Hinton 2012; Adagrad: Duchi, Hazan & Singer 2011;
 * Adam: Kingma & Ba 2015; AMSGrad: Reddi, Kale & Kumar 2018; AdamW: Loshchilov & Hutter 2019.
 */
import { must, mustBe, mustBeOneOf, mustKnowKeys } from '../../core/check';
import { power } from '../../core/portable';
import { equations } from '../../core/equations/equations';
import type { Statement } from '../../core/statement';

interface Common {
  /** Default 1e-3; 1e-2 for rmsprop and adagrad. */
  learningRate?: number;
  /** Pulls every parameter towards zero; default 0, for adamw 1e-2. */
  weightDecay?: number;
}
/** Gradient descent, perhaps with momentum. */
export interface SgdOptions extends Common {
  name: 'sgd';
  /** Share of the last velocity that is kept; default 0, no velocity. */
  momentum?: number;
  /** Share of the gradient that the velocity leaves out, but for the first step; default 0. */
  dampening?: number;
  /** Looks one step of momentum ahead; needs a momentum and no dampening. Default false. */
  nesterov?: boolean;
}
/** RMSprop: each gradient is divided by the root of the average of its squares. */
export interface RmspropOptions extends Common {
  name: 'rmsprop';
  /** Share of the old average that each step keeps; default 0.99. */
  alpha?: number;
  /** Added to the root, so that nothing is divided by 0; default 1e-8. */
  eps?: number;
  /** Share of the last velocity that is kept; default 0. */
  momentum?: number;
  /** Divides by the deviation: the square of the average gradient is taken off. Default false. */
  centered?: boolean;
}
/** Adagrad: each gradient is divided by the root of the sum of all its squares so far. */
export interface AdagradOptions extends Common {
  name: 'adagrad';
  /** Step t has the learning rate divided by 1 + (t − 1) · lrDecay; default 0. */
  lrDecay?: number;
  /** Added to the root; default 1e-10. */
  eps?: number;
  /** Where the sums of squares start; default 0. */
  initialAccumulatorValue?: number;
}
/** Adam: averages of gradient and square, corrected for their start at 0; adamw shrinks the weights themselves. */
export interface AdamOptions extends Common {
  name: 'adam' | 'adamw';
  /** Shares that each step keeps of the averages of the gradient and of its square; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root; default 1e-8. */
  eps?: number;
  /** Divides by the largest average of squares so far; default false. */
  amsgrad?: boolean;
}
/** The options of one optimiser, told apart by `name`; `optimizer` has the defaults in a table. */
export type OptimizerOptions = SgdOptions | RmspropOptions | AdagradOptions | AdamOptions;
/** The optimisers by name: `sgd`, `rmsprop`, `adagrad`, `adam`, `adamw`. */
export type OptimizerName = OptimizerOptions['name'];

/** One optimiser with its options settled. */
export interface Rule {
  /** Reads p, g, the states and the scalars; writes p and the states. */
  update: Statement;
  /** Names of what is remembered from step to step, and where it starts (default 0). */
  states: readonly string[];
  start?: number;
  /** The single numbers that the statement reads, at the t-th step (t counts from 1). */
  scalars(t: number, learningRate: number): Record<string, number>;
}

/** Options with nothing left out. */
type Settled<O> = Required<Omit<O, 'name'>>;
interface Entry<O> {
  defaults: Settled<O>;
  check: (options: Settled<O>, where: string) => void;
  rule: (options: Settled<O>) => Rule;
}

/**
 * The statement of an update. All it reads and writes are rows over all parameters; what it remembers from step to step
 * is read as `<name>Prev`, and what changes with the step is a single number.
 */
function update(states: string, numbers: string, text: string): Statement {
  const names = ['p', ...states.split(' ').filter(Boolean)];
  const rows = `g, ${names.map((name) => `${name}Prev`).join(', ')} [1, N]`;
  const shapes = `${rows}   ${numbers.split(' ').join(', ')} [1]   writes ${names.join(', ')} [1, N]`;
  return equations('update', shapes, text).statements[0];
}

const decay = 'd = g + weightDecay * pPrev';

const sgd = update(
  '',
  'lr weightDecay',
  `
  ${decay}
  p = pPrev - lr * d`,
);
const sgdMomentum = update(
  'buf',
  'lr weightDecay momentum keep',
  `
  ${decay}
  buf = momentum * bufPrev + keep * d
  p = pPrev - lr * buf`,
);
/** Nesterov looks one step of momentum ahead. */
const sgdNesterov = update(
  'buf',
  'lr weightDecay momentum keep',
  `
  ${decay}
  buf = momentum * bufPrev + keep * d
  p = pPrev - lr * (d + momentum * buf)`,
);

// running averages of the squares, and of d itself
const average = 'v = alpha * vPrev + rest * d * d';
const centre = `mean = alpha * meanPrev + rest * d
  variance = max(v - mean * mean, 0)   # rounding may leave it below 0, of which the root would be NaN`;
const averages = 'lr weightDecay alpha rest eps';
const rmsprop = update(
  'v',
  averages,
  `
  ${decay}
  ${average}
  p = pPrev - lr * (d / (sqrt(v) + eps))`,
);
const rmspropMomentum = update(
  'v buf',
  `${averages} momentum`,
  `
  ${decay}
  ${average}
  buf = momentum * bufPrev + d / (sqrt(v) + eps)
  p = pPrev - lr * buf`,
);
const rmspropCentered = update(
  'v mean',
  averages,
  `
  ${decay}
  ${average}
  ${centre}
  p = pPrev - lr * (d / (sqrt(variance) + eps))`,
);
const rmspropCenteredMomentum = update(
  'v mean buf',
  `${averages} momentum`,
  `
  ${decay}
  ${average}
  ${centre}
  buf = momentum * bufPrev + d / (sqrt(variance) + eps)
  p = pPrev - lr * buf`,
);

const adagrad = update(
  'sum',
  'lr weightDecay eps',
  `
  ${decay}
  sum = sumPrev + d * d
  p = pPrev - lr * (d / (sqrt(sum) + eps))`,
);

// the two moments; p · shrink is adamw's weight decay, exactly p for adam
const moments = `${decay}
  m = beta1 * mPrev + rest1 * d
  v = beta2 * vPrev + rest2 * d * d`;
const settings = 'lr weightDecay beta1 rest1 beta2 rest2 root eps shrink';
const adam = update(
  'm v',
  settings,
  `
  ${moments}
  p = shrink * pPrev - lr * (m / (sqrt(v) / root + eps))`,
);
const amsgrad = update(
  'm v vMax',
  settings,
  `
  ${moments}
  vMax = max(vMaxPrev, v)
  p = shrink * pPrev - lr * (m / (sqrt(vMax) / root + eps))`,
);

const sgdEntry: Entry<SgdOptions> = {
  defaults: { learningRate: 1e-3, momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
  check(o, where) {
    notNegative(o, ['learningRate', 'momentum', 'weightDecay'], where);
    must(Number.isFinite(o.dampening), where, 'dampening must be a finite number', o.dampening);
    mustBeSwitch(o, 'nesterov', where);
    const fits = !o.nesterov || (o.momentum > 0 && o.dampening === 0);
    const got = `momentum ${o.momentum}, dampening ${o.dampening}`;
    must(fits, where, 'nesterov needs a momentum > 0 and a dampening of 0', got);
  },
  rule: ({ momentum, dampening, nesterov, weightDecay }) => ({
    update: momentum === 0 ? sgd : nesterov ? sgdNesterov : sgdMomentum,
    states: momentum === 0 ? [] : ['buf'],
    // the first step has nothing to keep and is not dampened
    scalars: (t, lr) => ({ lr, weightDecay, momentum, keep: t === 1 ? 1 : 1 - dampening }),
  }),
};

const rmspropEntry: Entry<RmspropOptions> = {
  defaults: { learningRate: 1e-2, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
  check(o, where) {
    notNegative(o, ['learningRate', 'eps', 'momentum', 'weightDecay'], where);
    mustBeShare(o.alpha, 'alpha', where);
    mustBeSwitch(o, 'centered', where);
  },
  rule: ({ alpha, eps, momentum, centered, weightDecay }) => {
    const still = centered ? rmspropCentered : rmsprop;
    const moving = centered ? rmspropCenteredMomentum : rmspropMomentum;
    return {
      update: momentum > 0 ? moving : still,
      states: ['v', ...(centered ? ['mean'] : []), ...(momentum > 0 ? ['buf'] : [])],
      scalars: (_t, lr) => ({ lr, alpha, rest: 1 - alpha, eps, momentum, weightDecay }),
    };
  },
};

const adagradEntry: Entry<AdagradOptions> = {
  defaults: { learningRate: 1e-2, lrDecay: 0, eps: 1e-10, initialAccumulatorValue: 0, weightDecay: 0 },
  check(o, where) {
    notNegative(o, ['learningRate', 'lrDecay', 'eps', 'initialAccumulatorValue', 'weightDecay'], where);
  },
  rule: ({ lrDecay, eps, initialAccumulatorValue, weightDecay }) => ({
    update: adagrad,
    states: ['sum'],
    start: initialAccumulatorValue,
    scalars: (t, lr) => ({ lr: lr / (1 + (t - 1) * lrDecay), eps, weightDecay }),
  }),
};

const adamEntry = (decoupled: boolean): Entry<AdamOptions> => ({
  defaults: {
    learningRate: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: decoupled ? 1e-2 : 0,
    amsgrad: false,
  },
  check(o, where) {
    notNegative(o, ['learningRate', 'eps', 'weightDecay'], where);
    const { length } = Object(o.betas) as ArrayLike<number>;
    must(length === 2, where, 'betas must be two numbers', o.betas);
    for (const beta of o.betas) mustBeShare(beta, 'each beta', where);
    mustBeSwitch(o, 'amsgrad', where);
  },
  rule: ({ betas: [beta1, beta2], eps, weightDecay, amsgrad: atMost }) => ({
    update: atMost ? amsgrad : adam,
    states: ['m', 'v', ...(atMost ? ['vMax'] : [])],
    scalars: (t, learningRate) => ({
      beta1,
      beta2,
      rest1: 1 - beta1,
      rest2: 1 - beta2,
      eps,
      // the averages start at 0: dividing by 1 − βᵗ makes up for it
      lr: learningRate / (1 - power(beta1, t)),
      root: Math.sqrt(1 - power(beta2, t)),
      weightDecay: decoupled ? 0 : weightDecay,
      shrink: decoupled ? 1 - learningRate * weightDecay : 1,
    }),
  }),
});

const entries = {
  sgd: sgdEntry,
  rmsprop: rmspropEntry,
  adagrad: adagradEntry,
  adam: adamEntry(false),
  adamw: adamEntry(true),
};

/**
 * The rule that options stand for, and the options with every default filled in.
 * @throws TypeError for an unknown name or option; RangeError for a value out of range.
 */
export function settle(options: OptimizerOptions): { options: OptimizerOptions; rule: Rule } {
  mustBe(typeof options === 'object' && options !== null, 'optimizer', 'options must be an object', options);
  const names = Object.keys(entries) as OptimizerName[];
  const name = mustBeOneOf(options.name, names, 'optimizer', 'the name');
  // an entry takes the options of its own name, which the compiler cannot see through the table
  const entry = entries[name] as unknown as Entry<Record<string, unknown>>;
  const where = `optimizer ${name}`;
  mustKnowKeys(options, ['name', ...Object.keys(entry.defaults)], where);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settled = { ...entry.defaults, ...Object.fromEntries(given) };
  entry.check(settled, where);
  return { options: settled as unknown as OptimizerOptions, rule: entry.rule(settled) };
}

function notNegative<O extends object>(
  options: O,
  names: readonly (keyof O & string)[],
  where: string,
): void {
  for (const name of names) {
    const value: unknown = options[name];
    must(
      Number.isFinite(value) && (value as number) >= 0,
      where,
      `${name} must be a finite number >= 0`,
      value,
    );
  }
}

function mustBeShare(value: number, name: string, where: string): void {
  must(value >= 0 && value < 1, where, `${name} must be in 0 ≤ ${name.split(' ').pop()} < 1`, value);
}

function mustBeSwitch<O extends object>(options: O, name: keyof O & string, where: string): void {
  mustBe(typeof options[name] === 'boolean', where, `${name} must be true or false`, options[name]);
}
