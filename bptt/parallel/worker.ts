/** What a worker thread of `parallel` runs: builds the network anew, then does its share of one pass after the other. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CellMaker } from '../../cells/makers';
import type { Data } from '../../core/memory';
import { serve } from './serve';
import { buildFrom, type Blueprint } from '../network/blueprint';
import type { Network } from '../network/network';
import { runShare, type Gathered, type Task } from './share';

/** The first question to a worker. */
export interface Begin {
  blueprint: Blueprint;
  /** Module with makers of the user's own cells, by name. */
  cells?: string;
  /** The engine's memory of the thread that asks. */
  memory: WebAssembly.Memory;
  /** Byte address of all weights there, which are read anew for every task. */
  values: number;
  /** Byte address of where this worker's gradients go, in full at every task that runs backward. */
  gradients: number;
  /** Where the figures of a share go: loss, rows, tokens. */
  figures: Float64Array;
}

/** Every further question. */
export interface ShareOfTask {
  task: Task;
  gathered: Gathered;
}

async function begin({ blueprint, cells, memory, figures, ...at }: Begin) {
  const network: Network = buildFrom(blueprint, cells === undefined ? {} : await load(cells));
  const { flat, flatGradients } = network.parameters;
  const View = flat.data.constructor as new (buffer: ArrayBufferLike, at: number, length: number) => Data;
  // views are made here: one of a memory of 4 GB cannot be sent
  const values = new View(memory.buffer, at.values, flat.data.length);
  const gradients = new View(memory.buffer, at.gradients, flat.data.length);
  return ({ task, gathered }: ShareOfTask): void => {
    flat.data.set(values);
    network.parameters.zeroGradients();
    const { loss, rows, tokens } = runShare(network, task, gathered);
    if (task.backward) gradients.set(flatGradients.data);
    figures.set([loss, rows, tokens]);
  };
}

/** What a module exports, be it CommonJS, an ES module, or whatever the loaders of this process understand. */
async function load(module: string): Promise<Record<string, CellMaker>> {
  const file = module.startsWith('file:') ? fileURLToPath(module) : resolve(module);
  try {
    return createRequire(__filename)(file) as Record<string, CellMaker>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ESM') throw error;
    return (await import(pathToFileURL(file).href)) as Record<string, CellMaker>;
  }
}

let respond: Awaited<ReturnType<typeof begin>> | undefined;
void serve(async (question) => {
  if (respond) respond(question as ShareOfTask);
  else respond = await begin(question as Begin);
});
