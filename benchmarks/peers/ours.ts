/**
 * This engine as in normal use: every call checks and copies its batch. Options: dtype, executor or `fastest`,
 * threads.
 */
import { executorOf, type ExecutorName } from '../../core/programs/executor';
import type { Dtype } from '../../core/memory';
import { globalNorm } from '../../bptt/train/clip';
import { parallel } from '../../bptt/parallel/parallel';
import { WorkloadRun } from '../../measure/workloads';
import type { Case } from './case';
import { Absent } from './child';
import type { Engine } from './host';

export async function open(given: Case, dtype: string, executor: string, threads = '1'): Promise<Engine> {
  const name = executorOf(executor === 'fastest' ? undefined : executor).name as ExecutorName;
  const run = new WorkloadRun(given.workload, { dtype: dtype as Dtype, executor: name }, given);
  const about = `backstep ${dtype} ${name}`;
  if (threads === '1') {
    return {
      about,
      check: () => run.outcome(),
      forward: () => run.forward(),
      train: () => run.train(),
      step: () => run.step(),
    };
  }
  const { net, batch } = run;
  const team = await parallel(net, Number(threads));
  if (team.note) throw new Absent(team.note);
  const train = async (): Promise<number> => {
    net.parameters.zeroGradients();
    return (await team.forwardBackward(batch)).loss;
  };
  return {
    about: `${about}, ${threads} threads`,
    check: async () => ({ loss: await train(), gradientNorm: globalNorm(net.parameters) }),
    forward: async () => (await team.evaluate(batch)).loss,
    train,
  };
}
