/** The type of an example: options with defaults, and a function that shows a figure and returns a number. */

/** Option values by name; on the command line, `--steps 100`. */
export type Options = Record<string, number | string>;
/** Prints one line, or several. */
export type Say = (text: string) => void;

export interface Example<O extends Options> {
  /** The task, in a few words. */
  title: string;
  defaults: O;
  run: (options: O, say: Say) => Promise<number> | number;
}

/** Infers the names of an example's options from its defaults. */
export const example = <O extends Options>(one: Example<O>): Example<O> => one;
