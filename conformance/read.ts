/** Finds the cases of a suite in the user's files and folders. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readUtf8, readWhole } from '../io/files';
import { isRecurrent, readOnnxCase } from './onnxsuite';
import { found, type Found } from './suite';
import { readTflite } from './tflitesuite';
import { readWebnn } from './webnnsuite';

/** The suites that can be read. */
export const suites = ['onnx', 'webnn', 'tflite'] as const;
export type SuiteName = (typeof suites)[number];

/** All cases of a suite at a path: in the file or folder itself, or in the files and folders in it. */
export function readSuite(suite: SuiteName, path: string): Found[] {
  if (suite === 'onnx') return readOnnx(path);
  const { files, read } = texts[suite];
  return filesIn(path, files).flatMap((file) => read(basename(file), () => readUtf8(file)));
}

/** Suites that are text files: the names of their files in a folder, and the reader of one. */
const texts = {
  webnn: { files: /^(lstm|gru)(_cell)?(\.https\.any\.js|\.json)$/, read: readWebnn },
  tflite: { files: /^(unidirectional_sequence_)?(lstm|gru)_test\.cc$/, read: readTflite },
};

function readOnnx(path: string): Found[] {
  const own = existsSync(join(path, 'model.onnx'));
  const folders = own ? [path] : childrenOf(path).filter((one) => existsSync(join(one, 'model.onnx')));
  return folders.flatMap((folder) => {
    const name = basename(folder);
    let model: Uint8Array;
    try {
      model = readWhole(join(folder, 'model.onnx'));
      if (!isRecurrent(model)) return [];
    } catch (error) {
      return [{ name, verdict: 'unreadable' as const, reason: (error as Error).message }];
    }
    const sets = childrenOf(folder).filter((one) => /^test_data_set_\d+$/.test(basename(one)));
    if (sets.length === 0)
      return [{ name, verdict: 'unreadable' as const, reason: 'there is no test_data_set_0' }];
    return sets.map((set, k) =>
      found(sets.length === 1 ? name : `${name} ${k}`, () =>
        readOnnxCase(name, { model, inputs: numbered(set, 'input'), outputs: numbered(set, 'output') }),
      ),
    );
  });
}

/** The files `input_0.pb`, `input_1.pb` … of a folder, by their number. */
function numbered(folder: string, what: 'input' | 'output'): Uint8Array[] {
  const files: Uint8Array[] = [];
  for (let k = 0; existsSync(join(folder, `${what}_${k}.pb`)); k++)
    files.push(readWhole(join(folder, `${what}_${k}.pb`)));
  return files;
}

function filesIn(path: string, names: RegExp): string[] {
  if (statSync(path).isFile()) return [path];
  return childrenOf(path).filter((file) => names.test(basename(file)));
}

const childrenOf = (folder: string): string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
