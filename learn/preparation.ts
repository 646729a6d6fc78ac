/** The preparation of a task's checkpoint as JSON, for programs that use an exported network. */
import { join, parse } from 'node:path';
import type { Checkpoint } from '../io/checkpoint';
import type { Preparation } from '../io/torch/predict';
import { isTaskRun, readTaskNote } from './trainer';

/**
 * Task, preparation (columns, scales, vocabularies, labels) and format of the files of a checkpoint; undefined for one that is not of a
 * task.
 * @throws TypeError when its entry is malformed.
 */
export function preparationOf(checkpoint: Checkpoint): Preparation | undefined {
  if (!isTaskRun(checkpoint)) return undefined;
  const { task, note, format } = readTaskNote(checkpoint);
  return { task: task.name, preparation: note, format };
}

/**
 * The path of the preparation beside an exported file, or in an exported folder.
 * @example preparationPath('runs/x/model.onnx', false) // 'runs/x/model.preparation.json'
 */
export function preparationPath(out: string, folder: boolean): string {
  if (folder) return join(out, 'preparation.json');
  const { dir, name } = parse(out);
  return join(dir, `${name}.preparation.json`);
}

/** Puts the best weights of an interrupted run into its network, as `predict` and `evaluate` do. */
export function withBestWeights(checkpoint: Checkpoint): Checkpoint {
  const { optimizer, best } = checkpoint;
  if (isTaskRun(checkpoint) && best) optimizer?.restore(best);
  return checkpoint;
}
