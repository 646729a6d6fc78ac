/** What the parts of the page share: the run, its history, and the line to the worker. */
import type { Point } from '../engine/run';
import type { Started } from '../engine/session';
import type { Settings, TabName } from '../engine/settings';
import type { Ask } from './client';
import type { History } from './history';

export interface App {
  /** Asks the worker; a refusal that nobody catches is said at the foot of the page. */
  ask: Ask;
  readonly settings: Settings;
  readonly started: Started;
  readonly playing: boolean;
  /** Steps of training that the run has made. */
  readonly step: number;
  /** Of each run, since the page has seen it. */
  readonly histories: readonly History[];
  /** Begins anew with these settings changed. */
  change(settings: Partial<Settings>): void;
  /** Says something at the foot of the page for a while. */
  notice(text: string): void;
}

/** One tab of the page. */
export interface Panel {
  /** What a link calls it. */
  readonly name: TabName;
  readonly title: string;
  readonly root: HTMLElement;
  /** A new run has begun. */
  begin(): void;
  /** Training went on. Called for the panel that is seen only, at most some ten times a second. */
  progress(points: Point[][]): void;
  /** The panel has come to be seen, or the run stands still. */
  show(): void;
}
