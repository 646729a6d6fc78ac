/** The file that a trial's text lies in. */
import { defaultCorpus, PACKAGE } from '../corpus';
import type { Settings } from '../settings';

/** @throws CommandError when it is the default text, and that is not installed. */
export const fileOf = ({ text }: Settings): string => (text === PACKAGE ? defaultCorpus('sweep') : text);
