/** Reads the text of a trial, and checks by its fingerprint that it is the right one. */
import { must } from '../core/check';
import { defaultCorpus, PACKAGE } from '../text/corpus';
import type { TextSettings } from '../text/settings';

/** @throws CommandError if it is the default text and not installed. */
export const fileOf = ({ text }: TextSettings): string => (text === PACKAGE ? defaultCorpus('sweep') : text);

/**
 * @param place path of a text with this fingerprint.
 * @throws RangeError if its contents have changed.
 */
export function mustBeTextOf(settings: TextSettings, sha256: string, place: string): void {
  const same = sha256 === settings.sha256;
  must(same, 'sweep', `${place} must stay as it was when the sweep began`, 'another text');
}
