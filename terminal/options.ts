/** Makes command-line options from settings: names, values, bounds, defaults and help. */
import { Option, type Command } from 'commander';
import type { Setting } from '../core/setting';
import { setting as parserOf, type Parser } from './arguments';

/** The flag for a name: `spectral-radius` for `spectralRadius`. */
export const flagOf = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export interface SettingUse {
  /** A parser for an option that accepts more than the setting's values. */
  read?: Parser<unknown>;
  /** Whether an absent option gets the default; otherwise only the help shows it. */
  fills?: boolean;
}

/**
 * The option of a command for a setting.
 * @example command.addOption(settingOption('train', 'lr', trainingSettings.lr)) // --lr <rate>
 */
export function settingOption(
  command: string,
  name: string,
  setting: Setting,
  { read, fills = false }: SettingUse = {},
): Option {
  const flag = `--${flagOf(name)}`;
  const { unit, help, otherwise, default: value } = setting;
  const names = setting.kind === 'choice' ? setting.names().join(', ') : '';
  const what = [help, names].filter(Boolean).join(': ');
  if (setting.kind === 'switch') return new Option(flag, what);
  const usual = otherwise ?? value;
  const description = usual === undefined || fills ? what : `${what} (default: ${usual})`;
  const option = new Option(`${flag} <${unit ?? 'n'}>`, description);
  if (fills && value !== undefined) option.default(value, String(usual));
  return option.argParser(read ?? parserOf(`${command}: ${flag}`, setting));
}

/** Adds an option for each setting of a table. */
export function addSettings(
  command: Command,
  settings: Readonly<Record<string, Setting>>,
  uses: (name: string) => SettingUse = () => ({}),
): void {
  for (const [name, setting] of Object.entries(settings))
    command.addOption(settingOption(command.name(), name, setting, uses(name)));
}
