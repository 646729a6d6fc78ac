/** Stores a workload with its weights and one batch as a pair of files (JSON and binary) that any language can read. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dataOf, type WorkloadData, type Values, type Workload } from '../../measure/workloads';

export interface Case extends WorkloadData {
  workload: Workload;
}

interface Header {
  workload: Workload;
  /** Index of the float32 values in the .bin file of the same name. */
  tensors: { name: string; shape: number[]; at: number; length: number }[];
}

const numbersOf = (file: string): string => file.replace(/json$/, 'bin');

export function writeCase(workload: Workload, file: string): void {
  const { parameters, x, targets } = dataOf(workload);
  const all: Record<string, Values> = { ...parameters, x, targets };
  let at = 0;
  const tensors = Object.entries(all).map(([name, { shape, numbers }]) => {
    const tensor = { name, shape, at, length: numbers.length };
    at += numbers.length;
    return tensor;
  });
  const joined = new Float32Array(at);
  for (const tensor of tensors) joined.set(all[tensor.name].numbers, tensor.at);
  writeFileSync(file, JSON.stringify({ workload, tensors } satisfies Header));
  writeFileSync(numbersOf(file), joined);
}

export function readCase(file: string): Case {
  const { workload, tensors } = JSON.parse(readFileSync(file, 'utf8')) as Header;
  const bytes = readFileSync(numbersOf(file));
  const joined = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const all = Object.fromEntries(
    tensors.map(({ name, shape, at, length }) => [name, { shape, numbers: joined.slice(at, at + length) }]),
  );
  const { x, targets, ...parameters } = all;
  return { workload, parameters, x, targets };
}
