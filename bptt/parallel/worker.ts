/** The program of a worker thread of `parallel`: builds a copy of the network, then runs its share of each pass. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CellMaker } from '../../cells/makers';
import type { Data } from '../../core/memory';
import { serveThread } from './serve';
import { buildFrom, type Blueprint } from '../network/blueprint';
import type { Network } from '../network/network';
import { runShare, type Gathered, type PassTask } from './share';

/** The first request to a worker. */
export interface Begin {
  blueprint: Blueprint;
  /** Module with factories of the user's own cells, by name. */
  cells?: string;
  /** The engine memory of the requesting thread. */
  memory: WebAssembly.Memory;
  /** Byte address of all weights in it, which are read again for every task. */
  values: number;
  /** Byte address of this worker's gradients, overwritten by every task that runs backward. */
  gradients: number;
  /** Byte addresses of the marks of used rows, which all threads share. */
  used: number[];
  /** Receives the figures of a share: loss, rows, tokens. */
  figures: Float64Array;
}

/** Every later request. */
export interface ShareOfTask {
  task: PassTask;
  gathered: Gathered;
}

async function begin({ blueprint, cells, memory, figures, ...at }: Begin) {
  const network: Network = buildFrom(blueprint, cells === undefined ? {} : await load(cells));
  const { flat, flatGradients } = network.parameters;
  const View = flat.data.constructor as new (buffer: ArrayBufferLike, at: number, length: number) => Data;
  // views are made here, because a view of a 4 GB memory cannot be sent to a worker
  const values = new View(memory.buffer, at.values, flat.data.length);
  const gradients = new View(memory.buffer, at.gradients, flat.data.length);
  network.parameters.used.share(memory.buffer, at.used);
  return ({ task, gathered }: ShareOfTask): void => {
    flat.data.set(values);
    network.parameters.zeroGradients();
    const { loss, rows, tokens } = runShare(network, task, gathered);
    if (task.backward) gradients.set(flatGradients.data);
    figures.set([loss, rows, tokens]);
  };
}

/** Loads the exports of a CommonJS or ES module, or of any file that the loaders of this process support. */
async function load(module: string): Promise<Record<string, CellMaker>> {
  const file = module.startsWith('file:') ? fileURLToPath(module) : resolve(module);
  try {
    return createRequire(__filename)(file) as Record<string, CellMaker>;
  } catch (error) {
    // an ES module, in new versions of Node only one that awaits
    if (!/^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return (await import(pathToFileURL(file).href)) as Record<string, CellMaker>;
  }
}

let respond: Awaited<ReturnType<typeof begin>> | undefined;
void serveThread(async (question) => {
  if (respond) respond(question as ShareOfTask);
  else respond = await begin(question as Begin);
});
