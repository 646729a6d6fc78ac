/** Validates the settings of `backstep train` that a sweep configuration may contain. */
import { trainingSettings, type SettingName } from '../bptt/train/settings';
import { canBe, OFF, settingInWords, type Setting } from '../core/setting';
import { known } from '../terminal/arguments';
import { knownCell } from '../run/cellchoice';
import { usage } from '../terminal/errors';

/** Settings that are not allowed in a sweep, and why. */
const refused: { [K in SettingName]?: string } = {
  seconds: 'results must not depend on the speed of the machine: give steps',
  threads: 'trials run side by side, each on one thread: --jobs says how many',
};

const names = (Object.keys(trainingSettings) as SettingName[]).filter((name) => !(name in refused));
const settingOf = (name: SettingName): Setting => trainingSettings[name];

export const isNumeric = (name: SettingName): boolean => settingOf(name).kind === 'number';
/** Whether values drawn from a range are rounded for this setting. */
export const isWhole = (name: SettingName): boolean => {
  const setting = settingOf(name);
  return setting.kind === 'number' && setting.whole === true;
};

/** @throws CommandError for an unknown setting, or one that is not allowed in a sweep. */
export function settingNameOf(given: string, place: string): SettingName {
  const why = Object.hasOwn(refused, given) ? refused[given as SettingName] : undefined;
  if (why !== undefined) throw usage(`sweep: ${place}: ${given} must be left out, got one (${why})`);
  return known(given, names, `sweep: ${place} must be among`);
}

/**
 * Checks a value of a setting.
 * @throws CommandError if it is not valid.
 */
export function checked(name: SettingName, given: unknown, place: string): unknown {
  if (name === 'cell') return knownCell(given, `sweep: ${place}: cell`);
  const setting = settingOf(name);
  // in version 0.2, null meant an embedding that is off
  const value = name === 'embedding' && given === null ? OFF : given;
  if (canBe(setting, value)) return value;
  const where = `sweep: ${place}: ${name} must be`;
  if (setting.kind === 'choice') return known(value, setting.names(), `${where} one of`);
  throw usage(
    `${where} ${settingInWords(setting)}, got ${JSON.stringify(value)}`,
    Array.isArray(value) ? 'lists of values belong to "vary"' : undefined,
  );
}
