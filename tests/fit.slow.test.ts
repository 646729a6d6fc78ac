/** Training over many steps: memory, and updates that are not finite, for every optimizer. */
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fit } from '../bptt/train/fit';
import { optimizer, type OptimizerOptions } from '../bptt/train/optimizers';
import { parallel } from '../bptt/parallel/parallel';
import { elman } from '../cells/elman';
import { engineMemory } from '../core/memory';
import { toFlat } from '../core/tensor';
import { batchOf, D, endless, make, weightsOf } from './randombatches';

const register = join(__dirname, '..', 'scripts', 'register.js');

describe('what is not finite stops at that step and keeps the last good weights', () => {
  const rules: OptimizerOptions[] = [
    { name: 'sgd', momentum: 0.9 },
    { name: 'rmsprop', centered: true, momentum: 0.5 },
    { name: 'adagrad' },
    { name: 'adam', amsgrad: true },
    { name: 'adamw' },
  ];
  test.each(rules)('$name: an update is taken back whole, with the memory and the count', async (rule) => {
    for (const threads of [1, 2]) {
      const net = make({ dtype: 'float32' });
      const team = await parallel(net, { threads, execArgv: ['-r', register] });
      const own = optimizer(net, rule);
      const all = () => [
        weightsOf(net),
        own.steps,
        Object.entries(own.state()).map(([s, t]) => [s, toFlat(t)]),
      ];
      let before: unknown;
      const training = fit(net, endless(), {
        optimizer: own,
        threads: team,
        schedule: (k) => (k === 2 ? 1e200 : 1), // more than float32 holds
        clip: { norm: 1e10 },
        weightNoise: 0.01,
        onStep: () => void (before = all()),
      });
      await expect(training).rejects.toThrow('fit: step 3: the update must leave finite weights');
      team.close();
      expect(own.steps).toBe(2);
      expect(all()).toEqual(before);
    }
  });
});

describe('memory', () => {
  test('1,000 steps, with validation, leave the engine and the heap as they were', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heap = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    let start = { heap: 0, engine: 0 };
    const stop = new AbortController();
    await fit(make({ layers: [elman({ input: D, hidden: 2 })] }), endless(), {
      optimizer: { name: 'adam' },
      clip: { norm: 1 },
      steps: 1050,
      signal: stop.signal,
      validation: { batches: () => [batchOf(7)], every: 10 },
      onStep({ step }) {
        if (step === 50) start = { heap: heap(), engine: engineMemory().used() };
      },
    });
    expect(heap() - start.heap).toBeLessThan(5e6);
    expect(engineMemory().used()).toBeLessThanOrEqual(start.engine);
  });
});
