/** The interface between the parts of the page: the run, its history, and requests to the worker. */
import type { CurvePoint } from '../engine/run';
import type { Started } from '../engine/session';
import type { PageSettings, TabName } from '../engine/settings';
import type { Ask } from './client';
import type { History } from './history';

export interface App {
  /** Sends a request to the worker; an uncaught error is shown at the foot of the page. */
  ask: Ask;
  readonly settings: PageSettings;
  readonly started: Started;
  readonly playing: boolean;
  /** Number of training steps of the run so far. */
  readonly step: number;
  /** Of each run, since the page has seen it. */
  readonly histories: readonly History[];
  /** Starts a new run with these settings changed. */
  change(settings: Partial<PageSettings>): void;
  /** The visible panel shows another place: updates the address. */
  moved(): void;
  /** Shows a message at the foot of the page for a while. */
  notice(text: string): void;
}

/** One tab of the page. */
export interface Panel {
  /** Its name in a link. */
  readonly name: TabName;
  readonly title: string;
  readonly root: HTMLElement;
  /** Whether it can be used without a run. */
  readonly standalone?: boolean;
  /** The panel's current content in the form of the link: an exercise. */
  readonly place?: string;
  /** Shows the content that a link names. */
  go?(place: string): void;
  /** A new run has begun. */
  begin(): void;
  /** Training has advanced. Called only for the visible panel, about ten times a second at most. */
  progress(points: CurvePoint[][]): void;
  /** The panel has become visible, or the run has paused. */
  show(): void;
}
