/**
 * TensorFlow.js at its fastest: hand-written backpropagation through time on its operations. Option: backend.
 *
 * It uses the same optimizations as this engine: one product for the inputs of all steps, and one per weight gradient
 * after the loop. Transposes are made explicitly, once: its products of transposed operands are many times slower.
 */
import { STREAMED } from '../../measure/workloads';
import type { Case } from './case';
import type { Engine } from './host';
import { normOf, startTf, tensorOf, type Tf, type TfTensor } from './tfjs-backend';

type Saved = Record<string, TfTensor>;
/** One step of a cell; `a` is x Wx + b of the step [B, GH], states and gradients are [B, H]. */
interface Steps {
  states: number;
  /** Returns the next states, the output first, and the cache for the backward pass. */
  forward(a: TfTensor, states: TfTensor[]): { states: TfTensor[]; saved: Saved };
  /**
   * From the gradients of the states after the step: da [B, GH], du [B, H] for a GRU, and the gradients of the
   * previous states.
   */
  backward(saved: Saved, d: TfTensor[]): { da: TfTensor; du?: TfTensor; d: TfTensor[] };
}

/** a (1 − a), the derivative of the sigmoid as a function of its value. */
const slope = (tf: Tf, s: TfTensor): TfTensor => tf.mul(s, tf.sub(1, s));
/** 1 − a², the derivative of tanh as a function of its value. */
const tanhSlope = (tf: Tf, s: TfTensor): TfTensor => tf.sub(1, tf.square(s));

function lstm(tf: Tf, Wh: TfTensor, WhT: () => TfTensor): Steps {
  return {
    states: 2,
    forward(a, [hPrev, cPrev]) {
      const [ai, af, ag, ao] = tf.split(tf.add(a, tf.matMul(hPrev, Wh)), 4, 1);
      const [i, f, g, o] = [tf.sigmoid(ai), tf.sigmoid(af), tf.tanh(ag), tf.sigmoid(ao)];
      const c = tf.add(tf.mul(f, cPrev), tf.mul(i, g));
      const tc = tf.tanh(c);
      return { states: [tf.mul(o, tc), c], saved: { i, f, g, o, tc, cPrev } };
    },
    backward({ i, f, g, o, tc, cPrev }, [dh, dcNext]) {
      const dao = tf.mul(tf.mul(dh, tc), slope(tf, o));
      const dc = tf.add(dcNext, tf.mul(tf.mul(dh, o), tanhSlope(tf, tc)));
      const dai = tf.mul(tf.mul(dc, g), slope(tf, i));
      const daf = tf.mul(tf.mul(dc, cPrev), slope(tf, f));
      const dag = tf.mul(tf.mul(dc, i), tanhSlope(tf, g));
      const da = tf.concat([dai, daf, dag, dao], 1);
      return { da, d: [tf.matMul(da, WhT()), tf.mul(dc, f)] };
    },
  };
}

function gru(tf: Tf, Wh: TfTensor, WhT: () => TfTensor, bhn: TfTensor): Steps {
  return {
    states: 1,
    forward(a, [hPrev]) {
      const [ur, uz, un] = tf.split(tf.matMul(hPrev, Wh), 3, 1);
      const [ar, az, an] = tf.split(a, 3, 1);
      const u = tf.add(un, bhn);
      const [r, z] = [tf.sigmoid(tf.add(ar, ur)), tf.sigmoid(tf.add(az, uz))];
      const n = tf.tanh(tf.add(an, tf.mul(r, u)));
      const h = tf.add(tf.mul(tf.sub(1, z), n), tf.mul(z, hPrev));
      return { states: [h], saved: { r, z, n, u, hPrev } };
    },
    backward({ r, z, n, u, hPrev }, [dh]) {
      const dan = tf.mul(tf.mul(dh, tf.sub(1, z)), tanhSlope(tf, n));
      const daz = tf.mul(tf.mul(dh, tf.sub(hPrev, n)), slope(tf, z));
      const dar = tf.mul(tf.mul(dan, u), slope(tf, r));
      const du = tf.mul(dan, r);
      const dProduct = tf.concat([dar, daz, du], 1);
      const dhPrev = tf.add(tf.mul(dh, z), tf.matMul(dProduct, WhT()));
      return { da: tf.concat([dar, daz, dan], 1), du, d: [dhPrev] };
    },
  };
}

function elman(tf: Tf, Wh: TfTensor, WhT: () => TfTensor): Steps {
  return {
    states: 1,
    forward(a, [hPrev]) {
      const h = tf.tanh(tf.add(a, tf.matMul(hPrev, Wh)));
      return { states: [h], saved: { h } };
    },
    backward({ h }, [dh]) {
      const da = tf.mul(dh, tanhSlope(tf, h));
      return { da, d: [tf.matMul(da, WhT())] };
    },
  };
}

export async function open(given: Case, backend: string): Promise<Engine> {
  const tf = await startTf(backend);
  const { cell, D, H, B, T, O } = given.workload;
  const p = Object.fromEntries(
    Object.entries(given.parameters).map(([name, values]) => [name, tensorOf(tf, values)]),
  );
  const x = tf.keep(tensorOf(tf, { shape: [T * B, D], numbers: given.x.numbers }));
  const targets = O
    ? tf.tidy(() => tf.oneHot(tensorOf(tf, { shape: [T * B], numbers: given.targets.numbers }, 'int32'), O))
    : tensorOf(tf, { shape: [T * B, H], numbers: given.targets.numbers });
  // transposed once per pass, at first use
  let turned: TfTensor | undefined;
  const WhT = (): TfTensor => (turned ??= tf.transpose(p.Wh));
  const steps =
    cell === 'lstm' ? lstm(tf, p.Wh, WhT) : cell === 'gru' ? gru(tf, p.Wh, WhT, p.bhn) : elman(tf, p.Wh, WhT);

  const zeros = (rows: number): TfTensor[] => Array.from({ length: steps.states }, () => tf.zeros([rows, H]));
  const sequence = () => {
    let states = zeros(B);
    const outputs = [states[0]];
    const saved = tf.split(tf.add(tf.matMul(x, p.Wx), p.b), T, 0).map((a) => {
      const result = steps.forward(a, states);
      states = result.states;
      outputs.push(states[0]);
      return result.saved;
    });
    return { outputs, saved, h: tf.concat(outputs.slice(1), 0) };
  };
  const lossOf = (h: TfTensor): { loss: TfTensor; y: TfTensor } => {
    if (!O) return { loss: tf.mean(tf.square(tf.sub(h, targets))), y: h };
    const y = tf.add(tf.matMul(h, p.Wy), p.by);
    return { loss: tf.losses.softmaxCrossEntropy(targets, y), y };
  };
  const train = (): { loss: number; gradients: TfTensor[] } => {
    turned = undefined;
    let loss = NaN;
    const gradients = tf.tidy((): TfTensor[] => {
      const { outputs, saved, h } = sequence();
      const result = lossOf(h);
      loss = result.loss.dataSync()[0];
      const head: TfTensor[] = [];
      let dH: TfTensor;
      if (O) {
        const dy = tf.mul(1 / (T * B), tf.sub(tf.softmax(result.y), targets));
        head.push(tf.matMul(tf.transpose(h), dy), tf.sum(dy, 0));
        dH = tf.matMul(dy, tf.transpose(p.Wy));
      } else {
        dH = tf.mul(2 / (T * B * H), tf.sub(h, targets));
      }
      const das: TfTensor[] = [];
      const dus: TfTensor[] = [];
      const dOutputs = tf.split(dH, T, 0);
      let d = zeros(B);
      for (let t = T - 1; t >= 0; t--) {
        const step = steps.backward(saved[t], [tf.add(dOutputs[t], d[0]), ...d.slice(1)]);
        das.unshift(step.da);
        if (step.du) dus.unshift(step.du);
        d = step.d;
      }
      const dA = tf.concat(das, 0);
      const hPrevT = tf.transpose(tf.concat(outputs.slice(0, T), 0));
      const all = [tf.matMul(tf.transpose(x), dA), tf.sum(dA, 0), ...head];
      if (dus.length === 0) return [...all, tf.matMul(hPrevT, dA)];
      const dU = tf.concat(dus, 0);
      const [dar, daz] = tf.split(dA, 3, 1);
      return [...all, tf.matMul(hPrevT, tf.concat([dar, daz, dU], 1)), tf.sum(dU, 0)];
    });
    return { loss, gradients };
  };

  const singles = Array.from({ length: Math.min(T, STREAMED) }, (_, t) =>
    tensorOf(tf, { shape: [1, D], numbers: given.x.numbers.slice(t * B * D, t * B * D + D) }),
  );
  let at = 0;
  let states = zeros(1);
  const step = (): TfTensor => {
    const before = states;
    states = tf.tidy(() => steps.forward(tf.add(tf.matMul(singles[at], p.Wx), p.b), before).states);
    for (const state of before) state.dispose();
    at = (at + 1) % singles.length;
    return states[0];
  };
  return {
    about: `TensorFlow.js ${tf.version_core} by hand, ${backend}`,
    check: () => {
      const { loss, gradients } = train();
      let streamed = 0;
      for (let k = 0; k < singles.length; k++)
        streamed = step()
          .dataSync()
          .reduce((sum, h) => sum + h, 0);
      return { loss, gradientNorm: normOf(gradients), streamed };
    },
    forward: () => tf.tidy(() => lossOf(sequence().h).loss.dataSync()[0]),
    train: () => {
      for (const gradient of train().gradients) gradient.dispose();
    },
    step: () => step().dataSync(),
  };
}
