/** Topologies: at which steps of a sequence a network has an output. */

/** `many-to-many`: an output and a target at every step. `many-to-one`: only at the last step of each row. */
export type Topology = 'many-to-many' | 'many-to-one';
export const topologies: Topology[] = ['many-to-many', 'many-to-one'];

/** Whether a row has one output, after its last step. */
export const endsInOne = (topology: Topology): boolean => topology === 'many-to-one';

/** The axes that outputs and targets have before their width: [T, B], or [B] where each row has one. */
export const outputAxes = (topology: Topology, T: number, B: number): number[] =>
  endsInOne(topology) ? [B] : [T, B];
