/** The program of a pool thread: runs one trial of a paper. */
import { carryOut } from '../bptt/parallel/pool';
import { readUtf8 } from '../io/files';
import { papers } from './list';
import type { Figures, Size } from './paper';

/** One trial to run, identified by names, because functions cannot be sent to a thread. */
export interface PaperJob {
  paper: string;
  size: Size;
  row: string;
  seed: number;
  dataFile?: string;
}

export interface PaperJobResult {
  figures: Figures;
  seconds: number;
}

export default carryOut<PaperJob, PaperJobResult, number>(
  async ({ paper: name, size, row: rowName, seed, dataFile }, progress) => {
    const paper = papers.find((one) => one.name === name);
    const row = paper?.rows(size).find((one) => one.name === rowName);
    if (!row) throw new Error(`paper ${name}: no row ${rowName}`);
    const data = dataFile === undefined ? undefined : paper?.data?.read(readUtf8(dataFile));
    const started = performance.now();
    const figures = await row.run({ seed, data, progress });
    return { figures, seconds: (performance.now() - started) / 1000 };
  },
);
