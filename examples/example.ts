/** What an example is: options with defaults, and a run that shows a figure and ends with a number. */

/** Values by name; on the command line `--steps 100`. */
export type Options = Record<string, number | string>;
/** Prints one line, or several. */
export type Say = (text: string) => void;

export interface Example<O extends Options> {
  /** What is learnt, in a few words. */
  title: string;
  defaults: O;
  run: (options: O, say: Say) => Promise<number> | number;
}

/** Lets an example's options keep their own names. */
export const example = <O extends Options>(one: Example<O>): Example<O> => one;
