/** What passes between the process that hands out trials and those that run them. */
import type { Figures, Size } from './paper';

/** One trial to run, by names: functions do not travel. */
export interface Order {
  paper: string;
  size: Size;
  row: string;
  seed: number;
  dataFile?: string;
}

export type Answer =
  | { kind: 'progress'; done: number }
  | { kind: 'finished'; figures: Figures; cpuSeconds: number; seconds: number }
  | { kind: 'failed'; message: string; stack?: string };
