/**
 * jax-js on its wasm backend: the loss as a function, differentiated and compiled by `jit(valueAndGrad(loss))`.
 *
 * It has no differentiable loop over time (JAX's scan), so all steps are unrolled; the first call then compiles for
 * seconds. The first use of an array consumes it: `ref` adds another reference.
 */
import { STREAMED, type Values } from '../../measure/workloads';
import type { Case } from './case';
import type { Engine } from './host';

interface JaxArray {
  ref: JaxArray;
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  reshape(shape: number[]): JaxArray;
  dataSync(): Float32Array;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Tree = JaxArray | Tree[] | { [name: string]: Tree };
interface Jax {
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): void;
  blockUntilReady<T>(tree: T): Promise<T>;
  jit<F>(f: F): F;
  valueAndGrad<A extends unknown[]>(f: (...args: A) => JaxArray): (...args: A) => [JaxArray, A[0]];
  numpy: {
    array(values: ArrayLike<number>, options?: object): JaxArray;
    zeros(shape: number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    tanh(a: JaxArray): JaxArray;
    split(a: JaxArray, parts: number, axis: number): JaxArray[];
    concatenate(all: JaxArray[], axis: number): JaxArray;
    mean(a: JaxArray): JaxArray;
    square(a: JaxArray): JaxArray;
    sum(a: JaxArray): JaxArray;
  };
  nn: { sigmoid(a: JaxArray): JaxArray; logSoftmax(a: JaxArray, axis: number): JaxArray };
  tree: { leaves(tree: Tree): JaxArray[]; ref<T extends Tree>(tree: T): T; dispose(tree: Tree): void };
}
type Weights = Record<string, JaxArray>;

export async function open(given: Case): Promise<Engine> {
  // a computed name, which the compiler does not resolve: the package may not be installed
  const name: string = '@jax-js/jax';
  const jax = (await import(name)) as Jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const { numpy: np, nn, tree } = jax;
  const { cell, D, H, B, T, O } = given.workload;
  const array = ({ shape, numbers }: Values): JaxArray => np.array(numbers).reshape(shape);
  const oneHot = (classes: Float32Array): Float32Array => {
    const rows = new Float32Array(classes.length * (O as number));
    classes.forEach((k, row) => (rows[row * (O as number) + k] = 1));
    return rows;
  };

  /** One step: consumes x and the states, but not the weights. */
  const step = (w: Weights, x: JaxArray, [h, c]: JaxArray[]): JaxArray[] => {
    const a = np.matmul(x, w.Wx.ref).add(w.b.ref);
    if (cell === 'elman') return [np.tanh(a.add(np.matmul(h, w.Wh.ref)))];
    if (cell === 'gru') {
      const [ar, az, an] = np.split(a, 3, 1);
      const [ur, uz, un] = np.split(np.matmul(h.ref, w.Wh.ref), 3, 1);
      const r = nn.sigmoid(ar.add(ur));
      const z = nn.sigmoid(az.add(uz));
      const n = np.tanh(an.add(r.mul(un.add(w.bhn.ref))));
      return [n.ref.add(z.mul(h.sub(n)))];
    }
    const [ai, af, ag, ao] = np.split(a.add(np.matmul(h, w.Wh.ref)), 4, 1);
    const next = nn
      .sigmoid(af)
      .mul(c)
      .add(nn.sigmoid(ai).mul(np.tanh(ag)));
    return [nn.sigmoid(ao).mul(np.tanh(next.ref)), next];
  };
  const zeros = (rows: number): JaxArray[] =>
    Array.from({ length: cell === 'lstm' ? 2 : 1 }, () => np.zeros([rows, H]));

  const loss = (w: Weights, xs: JaxArray[], targets: JaxArray): JaxArray => {
    let states = zeros(B);
    const outputs = xs.map((x) => {
      states = step(w, x, states);
      return states[0].ref;
    });
    for (const state of states) state.dispose();
    const h = np.concatenate(outputs, 0);
    const result = O
      ? np.sum(nn.logSoftmax(np.matmul(h, w.Wy.ref).add(w.by.ref), 1).mul(targets)).mul(-1 / (T * B))
      : np.mean(np.square(h.sub(targets)));
    tree.dispose(w);
    return result;
  };

  const weights = Object.fromEntries(Object.entries(given.parameters).map(([key, v]) => [key, array(v)]));
  const part = (t: number, rows: number): JaxArray =>
    np.array(given.x.numbers.slice(t * B * D, (t * B + rows) * D)).reshape([rows, D]);
  const xs = Array.from({ length: T }, (_, t) => part(t, B));
  const targets = O
    ? np.array(oneHot(given.targets.numbers)).reshape([T * B, O])
    : np.array(given.targets.numbers).reshape([T * B, H]);

  const value = jax.jit(loss);
  const both = jax.jit(jax.valueAndGrad(loss));
  const args = (): [Weights, JaxArray[], JaxArray] => [tree.ref(weights), tree.ref(xs), targets.ref];
  const single = jax.jit((w: Weights, x: JaxArray, states: JaxArray[]) => {
    const next = step(w, x, states);
    tree.dispose(w);
    return next;
  });
  const singles = Array.from({ length: Math.min(T, STREAMED) }, (_, t) => part(t, 1));
  let states = zeros(1);
  let at = 0;
  const stepOn = (): void => {
    states = single(tree.ref(weights), singles[at].ref, states);
    at = (at + 1) % singles.length;
  };
  return {
    about: `jax-js ${versionOf(name)}, wasm`,
    check: async () => {
      const [result, gradients] = both(...args());
      let squares = 0;
      for (const gradient of tree.leaves(gradients)) {
        for (const v of await gradient.data()) squares += v * v;
      }
      for (let k = 0; k < singles.length; k++) stepOn();
      const streamed = (await states[0].ref.data()).reduce((sum, h) => sum + h, 0);
      return { loss: (await result.data())[0], gradientNorm: Math.sqrt(squares), streamed };
    },
    forward: async () => (await value(...args()).data())[0],
    train: async () => {
      const [result, gradients] = both(...args());
      await jax.blockUntilReady(gradients);
      await result.data();
      tree.dispose(gradients);
    },
    step: async () => {
      stepOn();
      await jax.blockUntilReady(states);
    },
  };
}

function versionOf(name: string): string {
  const main = require.resolve(name);
  // the package does not export its package.json
  const file = main.replace(/(node_modules\/@[^/]+\/[^/]+).*/, '$1/package.json');
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return (require(file) as { version: string }).version;
}
