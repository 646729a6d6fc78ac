/**
 * A plan: all buffers and recorded operations of a network for one length T and one batch size B. Buffers are allocated at
 * once, operations recorded when they are first needed; a training step only replays them.
 */
import { engineMemory, type Data } from '../../../core/memory';
import { lazyEquations } from '../../../core/equations/equations';
import { oneHot } from '../../../core/onehot';
import { Program } from '../../../core/programs/program';
import { unset, zeros, type Tensor } from '../../../core/tensor';
import type { Mask } from '../mask';
import { noiseOf } from '../noise';
import { dropsOf, initialName, type Architecture } from '../architecture';
import { Attention } from '../layers/attention';
import { recordBridge, recordBridgeBackward } from '../layers/bridge';
import { Feedback } from '../layers/feed';
import { layLoss, lossOf } from '../../../losses';
import { withoutPrefix, withPrefix, type Parameters } from '../parameters';
import {
  encoderOf,
  firstReaderOf,
  layersOf,
  readerOf,
  Stack,
  type StatesWithGradients,
  type StackOptions,
} from '../layers/stack';
import { dropout, head, lastStep, tiedHead, type PlanShape, type Signal, type Stage } from '../layers/stage';
import { endsInOne } from '../topology';
import type { Unroll } from '../../unroll';

/** All rows of the batch start from the same trainable initial state. */
const firstForward = lazyEquations('initial state, forward', 'first [1, H]   writes s [B, H]', 's = first');
const firstBackward = lazyEquations(
  'initial state, backward',
  'ds [B, H]   adds dFirst [1, H]',
  'dFirst += sum(ds)',
);

/** Number of classes from which targets are stored as class numbers; shorter rows are faster to read as they are. */
const MANY = 1024;

export class Plan {
  /** The layers of the encoder. */
  readonly source: Stack | undefined;
  /** The layers that compute the output. */
  readonly main: Stack;
  /** Random masks, in the order in which they are drawn. */
  readonly masks: Mask[];
  readonly attention: Attention | undefined;
  /** The network's output: y [N, O], or the last layer's output [N, H]; N = T·B, or B if each row has one. */
  readonly output: Signal;
  readonly target: Tensor | undefined;
  readonly weight: Tensor | undefined;
  /** The unweighted loss of every row [N, 1]. */
  readonly rowLoss: Tensor | undefined;
  readonly loss: Tensor;
  /** Sum of the batch's weights over the steps run so far; undefined if the batch has none. */
  counted: number | undefined;

  /** The stages of the encoder, and all others, in forward order. */
  private readonly reading: Stage[];
  private readonly stages: Stage[];
  private readonly feedback: Feedback | undefined;
  private readonly lossStage: ReturnType<typeof layLoss> | undefined;
  private readonly recorded: { [name in Recorded]?: Program } = {};

  constructor(
    readonly architecture: Architecture,
    readonly shape: PlanShape,
    readonly parameters: Parameters,
  ) {
    const { encoder, layers, topology, loss, dtype } = architecture;
    const { B, source } = shape;
    const noise = noiseOf(architecture);
    const { isVariational } = noise;
    if (encoder && source) {
      const reading: StackOptions = {
        directions: encoderOf(architecture),
        reader: firstReaderOf(architecture),
        ...(architecture.encoderEmbedding && { embedding: 'encoderEmbedding' }),
      };
      const { forwardOnly } = shape;
      this.source = new Stack(
        reading,
        { ...source, B, forwardOnly },
        parameters,
        dropsOf(architecture, 'encoder').below,
        noise,
      );
    }
    const writing: StackOptions = {
      directions: layersOf(architecture),
      reader: readerOf(architecture),
      ...(architecture.embedding && { embedding: 'embedding' }),
      tied: architecture.tied,
    };
    const { below: drops, above: drop } = dropsOf(architecture, 'layers');
    this.main = new Stack(writing, shape, parameters, drops, noise);
    const reading = [...(this.source?.stages ?? [])];
    this.masks = [...(this.source?.masks ?? [])];
    if (this.source && architecture.attention) {
      if (drop > 0) {
        const stage = dropout(this.source.output, B, drop, isVariational);
        reading.push(stage);
        this.masks.push(stage.mask);
      }
      const own = withoutPrefix(parameters.values, 'attention.');
      const gradients = withoutPrefix(parameters.gradients, 'attention.');
      const [e, h] = [reading[reading.length - 1].output, this.main.output];
      const masked = source?.masked ?? false;
      this.attention = new Attention(architecture.attention, h, e, B, masked, own, gradients);
    }
    this.masks.push(...this.main.masks);
    const stages = [...this.main.stages];
    const add = <S extends Stage>(stage: S): S => {
      stages.push(stage);
      return stage;
    };
    const below = (): Signal => stages[stages.length - 1].output;
    if (endsInOne(topology))
      add(
        lastStep(this.main.layers[layers.length - 1].unrolls, below(), loss !== undefined && !shape.segment),
      );
    if (this.attention) add(this.attention);
    if (drop > 0) this.masks.push(add(dropout(below(), B, drop, isVariational)).mask);
    if (architecture.output !== undefined) {
      const own = withoutPrefix(parameters.values, 'head.');
      const gradients = withPrefix(withoutPrefix(parameters.gradients, 'head.'), 'd');
      const table = { E: parameters.values['embedding.E'] };
      const dTable = { dE: parameters.gradients['embedding.E'] };
      add(
        architecture.tied
          ? tiedHead(below(), B, { ...own, ...table }, { ...gradients, ...dTable })
          : head(below(), B, architecture.output, own, gradients),
      );
    }
    this.output = below();
    this.loss = zeros([1], dtype);
    this.reading = reading;
    this.stages = stages;
    if (architecture.feed === 'output') {
      const fed = loss === undefined ? 'same' : lossOf(loss).prediction;
      this.feedback = new Feedback(fed, this.output, this.main.input, B);
    }
    if (loss) {
      const [N, O] = this.output.value.shape;
      const numbered = lossOf(loss).targets === 'classes' && O >= MANY;
      this.target = numbered ? oneHot(N, O) : unset([N, O], dtype);
      this.weight = zeros([N, 1], dtype);
      this.rowLoss = zeros([N, 1], dtype);
      this.lossStage = layLoss(loss, {
        y: this.output.value,
        dy: this.output.gradient,
        target: this.target,
        weight: this.weight,
        rowLoss: this.rowLoss,
        loss: this.loss,
        adds: shape.segment,
        forwardOnly: shape.forwardOnly,
      });
    }
  }

  /** Sets the trainable initial states at the start of a sequence. */
  get start(): Program {
    return this.record('start', (program) =>
      this.eachStart((first, _dFirst, { s }) => firstForward.record(program, { first, s })),
    );
  }

  /** Adds up the gradients of the trainable initial states. */
  get startBackward(): Program {
    return this.record('startBackward', (program) =>
      this.eachStart((_first, dFirst, { ds }) => firstBackward.record(program, { ds, dFirst })),
    );
  }

  /** Runs the encoder and sets the decoder's initial states; empty without an encoder. */
  get encode(): Program {
    return this.record('encode', (program) => {
      const { source, main, reading, attention } = this;
      if (!source) return;
      for (const stage of reading) stage.forward(program, 0, source.shape.T);
      attention?.encode(program);
      recordBridge(source, main, program);
    });
  }

  get forward(): Program {
    return this.record('forward', (program) => {
      const { stages, feedback, shape } = this;
      const steps = (each: Program, from: number, to: number): void => {
        for (const stage of stages) stage.forward(each, from, to);
      };
      if (!feedback) steps(program, 0, shape.T);
      else {
        // all stages run step by step, as each step needs the previous output
        steps(program, 0, 1);
        this.repeat(program, shape.T - 1, (each, k) => {
          feedback.forward(each, k);
          steps(each, k + 1, k + 2);
        });
      }
      this.lossStage?.forward(program);
    });
  }

  get backward(): Program {
    return this.record('backward', (program) => {
      const { source, main, reading, feedback, shape } = this;
      const stages = [...this.stages].reverse();
      const steps = (each: Program, from: number, to: number): void => {
        for (const stage of stages) stage.backward(each, from, to);
      };
      this.lossStage?.backward(program);
      if (!feedback) steps(program, 0, shape.T);
      else {
        const step = (each: Program, t: number): void => {
          steps(each, t, t + 1);
          if (t > 0) feedback.backward(each, t - 1);
        };
        // the last step runs first; it initializes sums over all steps, so it is not like the others
        step(program, shape.T - 1);
        this.repeat(program, shape.T - 2, (each, k) => step(each, shape.T - 2 - k));
        if (shape.T > 1) step(program, 0);
      }
      if (!source) return;
      recordBridgeBackward(source, main, program);
      for (const stage of [...reading].reverse()) stage.backward(program, 0, source.shape.T);
    });
  }

  /** The stack at which a sequence starts. */
  get first(): Stack {
    return this.source ?? this.main;
  }

  /** The initial states, and their gradients after a backward pass. */
  get initial(): StatesWithGradients {
    return this.first.after(0);
  }

  /** The final states, and their gradients, which are inputs of the backward pass. */
  get final(): StatesWithGradients {
    return this.main.after(this.shape.T);
  }

  /** The directions of all layers in execution order. */
  get unrolls(): Unroll[] {
    return [...(this.source?.unrolls ?? []), ...this.main.unrolls];
  }

  /** The arrays that hold the gradients of inputs. */
  get inputGradients(): Data[] {
    return [...(this.source?.inputGradients ?? []), ...this.main.inputGradients];
  }

  /** Records steps that are alike; the allocations of a cell must not be in the arena. */
  private repeat(program: Program, count: number, record: (program: Program, k: number) => void): void {
    engineMemory().own(() => program.repeat(count, record));
  }

  private eachStart(record: (first: Tensor, dFirst: Tensor, state: { s: Tensor; ds: Tensor }) => void): void {
    const { trainInitial } = this.architecture;
    const { values, gradients } = this.parameters;
    if (!trainInitial) return;
    for (const unroll of this.first.unrolls)
      for (const key of Object.keys(unroll.states)) {
        const name = initialName(trainInitial, unroll.name, key);
        const [s, ds] = [unroll.states[key], unroll.dStates[key]].map((t) => unroll.after(0, t));
        record(values[name], gradients[name], { s, ds });
      }
  }

  private record(name: Recorded, write: (program: Program) => void): Program {
    let program = this.recorded[name];
    if (!program) write((program = this.recorded[name] = new Program()));
    return program;
  }
}

type Recorded = 'start' | 'encode' | 'forward' | 'backward' | 'startBackward';
