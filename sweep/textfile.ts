/** The text of a trial, wherever it lies: it must be the very one that the trial is about. */
import { must } from '../core/check';
import { defaultCorpus, PACKAGE } from '../text/corpus';
import type { Settings } from '../text/settings';

/** @throws CommandError when it is the default text, and that is not installed. */
export const fileOf = ({ text }: Settings): string => (text === PACKAGE ? defaultCorpus('sweep') : text);

/**
 * @param place where a text with this fingerprint has been found.
 * @throws RangeError when it is another one than the settings are for.
 */
export function mustBeTextOf(settings: Settings, sha256: string, place: string): void {
  const same = sha256 === settings.sha256;
  must(same, 'sweep', `${place} must stay as it was when the sweep began`, 'another text');
}
