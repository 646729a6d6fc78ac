/** What the values of a layer over time are called. */
import { say } from '../languages/say';

const known = ['i', 'f', 'g', 'o', 'r', 'z', 'n', 'h', 'c'] as const;

/**
 * The name of a value or a gradient in the drop-down; a value that has no common name is called by its letter alone.
 * @param output the state that is the output of the cell; the gradients are those that reach it
 */
export function trackInWords(name: string, output: string): string {
  if (name === `d${output}`) return say('track.gradient', { name });
  if (name === `d${output}Out`) return say('track.out', { name });
  if (name === `d${output}Next`) return say('track.next', { name });
  const common = known.find((one) => one === name);
  if (!common) return name;
  const what = say(common === 'o' && output === 'o' ? 'track.output' : `track.${common}`);
  return say('track.named', { name, what });
}
