/** Activations as pieces of a cell's text: functions of the language, their slopes, and a clip before them. */

/** The function f of h = f(z). */
export type Activation = 'tanh' | 'sigmoid' | 'relu';

/** f', written in terms of y = f(a), which forward saved: a itself is not needed again. */
const slopes: Readonly<Record<Activation, (y: string) => string>> = {
  tanh: (y) => `1 - ${y} * ${y}`,
  sigmoid: (y) => `${y} * (1 - ${y})`,
  relu: (y) => `step(${y})`,
};

export const activationNames = Object.keys(slopes) as Activation[];

/** How a cell writes its activations. */
export interface Activating {
  /** Lines of forward, in which `y = f(a)` stands for an activation. */
  lines: (text: string) => string;
  /** The slope of y = f(a) in terms of y. */
  slope: (f: Activation, y: string) => string;
  /** The same as a factor of a product, in brackets where it needs them. */
  factor: (f: Activation, y: string) => string;
}

const factor: Activating['factor'] = (f, y) => (f === 'tanh' ? `(${slopes[f](y)})` : slopes[f](y));

/** Activations of what they are given. */
export const plain: Activating = { lines: (text) => text, slope: (f, y) => slopes[f](y), factor };

/** A line of a text that is an activation and nothing else. */
const activation = new RegExp(`^( *)(\\w+) = (${activationNames.join('|')})\\((.*)\\)$`, 'gm');

/**
 * Activations of what is clipped to −K … K; their slope is 0 beyond. What stood before the clip is kept as `ky`: once
 * clipped it would no longer say on which side of K it was.
 */
export function clippedTo(K: number): Activating {
  const slope: Activating['slope'] = (f, y) => `${factor(f, y)} * step(${K} - k${y}) * step(k${y} + ${K})`;
  return {
    lines: (text) => text.replace(activation, `$1k$2 = $4\n$1$2 = $3(max(min(k$2, ${K}), -${K}))`),
    ...{ slope, factor: slope },
  };
}
