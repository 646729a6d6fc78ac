/**
 * A plan: all buffers and recorded operations of a network for one length T and one batch size B. Everything is allocated
 * and recorded once; a training step only replays the operations.
 */
import type { Data } from '../../core/memory';
import { equations } from '../../core/equations/equations';
import { Program } from '../../core/program';
import { zeros, type Tensor } from '../../core/tensor';
import { initialName, type Architecture } from './architecture';
import { Attention } from './attention';
import { recordBridge } from './bridge';
import { Feedback } from './feed';
import { lossOf, recordLoss } from '../../losses';
import { withoutPrefix, withPrefix, type Parameters } from './parameters';
import { encoderOf, firstReaderOf, layersOf, readerOf, Stack, type Moment, type StackOptions } from './stack';
import { dropout, head, lastStep, type PlanShape, type Signal, type Stage } from './stage';
import { endsInOne } from './topology';
import type { Unroll } from '../unroll';

/** All rows of the batch start from the same trainable initial state. */
const firstForward = equations('initial state, forward', 'first [1, H]   writes s [B, H]', 's = first');
const firstBackward = equations(
  'initial state, backward',
  'ds [B, H]   adds dFirst [1, H]',
  'dFirst += sum(ds)',
);

export class Plan {
  /** The layers of the encoder. */
  readonly source: Stack | undefined;
  /** The layers that compute the output. */
  readonly main: Stack;
  readonly dropoutMasks: Tensor[];
  readonly attention: Attention | undefined;
  /** The network's output: y [N, O], or the last layer's output [N, H]; N = T·B, or B if each row has one. */
  readonly output: Signal;
  readonly target: Tensor | undefined;
  readonly weight: Tensor | undefined;
  /** The unweighted loss of every row [N, 1]. */
  readonly rowLoss: Tensor | undefined;
  readonly loss: Tensor;

  /** Sets the trainable initial states at the start of a sequence; `startBackward` adds up their gradients. */
  readonly start = new Program();
  readonly startBackward = new Program();
  /** Runs the encoder and sets the decoder's initial states; empty without an encoder. */
  readonly encode = new Program();
  readonly forward = new Program();
  readonly backward = new Program();

  constructor(
    readonly architecture: Architecture,
    readonly shape: PlanShape,
    readonly parameters: Parameters,
  ) {
    const { encoder, layers, topology, loss, dtype } = architecture;
    const { T, B, source } = shape;
    const drop = architecture.dropout;
    if (encoder && source) {
      const reading: StackOptions = {
        directions: encoderOf(architecture),
        reader: firstReaderOf(architecture),
        ...(architecture.encoderEmbedding && { embedding: 'encoderEmbedding' }),
      };
      this.source = new Stack(reading, { ...source, B }, parameters, drop);
    }
    const writing: StackOptions = {
      directions: layersOf(architecture),
      reader: readerOf(architecture),
      ...(architecture.embedding && { embedding: 'embedding' }),
    };
    this.main = new Stack(writing, shape, parameters, drop);
    const reading = [...(this.source?.stages ?? [])];
    this.dropoutMasks = [...(this.source?.dropoutMasks ?? [])];
    if (this.source && architecture.attention) {
      if (drop > 0) {
        const stage = dropout(this.source.output, B);
        reading.push(stage);
        this.dropoutMasks.push(stage.keep);
      }
      const own = withoutPrefix(parameters.values, 'attention.');
      const gradients = withoutPrefix(parameters.gradients, 'attention.');
      const [e, h] = [reading[reading.length - 1].output, this.main.output];
      const masked = source?.masked ?? false;
      this.attention = new Attention(architecture.attention, h, e, B, masked, own, gradients);
    }
    this.dropoutMasks.push(...this.main.dropoutMasks);
    const { trainInitial } = architecture;
    if (trainInitial) for (const unroll of this.first.unrolls) this.recordStart(unroll, trainInitial);

    const stages = [...this.main.stages];
    const add = <S extends Stage>(stage: S): S => {
      stages.push(stage);
      return stage;
    };
    const below = (): Signal => stages[stages.length - 1].output;
    if (endsInOne(topology))
      add(lastStep(this.main.layers[layers.length - 1].unrolls, below(), loss !== undefined));
    if (this.attention) add(this.attention);
    if (drop > 0) this.dropoutMasks.push(add(dropout(below(), B)).keep);
    if (architecture.output !== undefined) {
      const own = withoutPrefix(parameters.values, 'head.');
      const gradients = withPrefix(withoutPrefix(parameters.gradients, 'head.'), 'd');
      add(head(below(), B, architecture.output, own, gradients));
    }
    this.output = below();
    this.loss = zeros([1], dtype);

    const encodeBackward = new Program();
    if (this.source) {
      const { T: S } = this.source.shape;
      for (const stage of reading) stage.forward(this.encode, 0, S);
      this.attention?.encode(this.encode);
      recordBridge(this.source, this.main, this.encode, encodeBackward);
      for (const stage of reading.reverse()) stage.backward(encodeBackward, 0, S);
    }
    const feedback =
      architecture.feed === 'output'
        ? new Feedback(loss === undefined ? 'same' : lossOf(loss).prediction, this.output, this.main.input, B)
        : undefined;
    // with output feedback, a step needs the previous output: all stages run step by step
    const spans = feedback ? Array.from({ length: T }, (_, t) => [t, t + 1]) : [[0, T]];
    for (const [from, to] of spans) {
      if (from > 0) feedback?.forward(this.forward, from - 1);
      for (const stage of stages) stage.forward(this.forward, from, to);
    }
    if (loss) {
      const [N, O] = this.output.value.shape;
      this.target = zeros([N, O], dtype);
      this.weight = zeros([N, 1], dtype);
      this.rowLoss = zeros([N, 1], dtype);
      recordLoss(loss, this.forward, this.backward, {
        y: this.output.value,
        dy: this.output.gradient,
        target: this.target,
        weight: this.weight,
        rowLoss: this.rowLoss,
        loss: this.loss,
      });
    }
    for (const [from, to] of spans.reverse()) {
      for (const stage of [...stages].reverse()) stage.backward(this.backward, from, to);
      if (from > 0) feedback?.backward(this.backward, from - 1);
    }
    this.backward.append(encodeBackward);
  }

  /** The stack at which a sequence starts. */
  get first(): Stack {
    return this.source ?? this.main;
  }

  /** The initial states, and their gradients after a backward pass. */
  get initial(): Moment {
    return this.first.after(0);
  }

  /** The final states, and their gradients, which are inputs of the backward pass. */
  get final(): Moment {
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

  private recordStart(unroll: Unroll, trainInitial: true | 'shared'): void {
    for (const s of Object.keys(unroll.states)) {
      const name = initialName(trainInitial, unroll.name, s);
      const { values, gradients } = this.parameters;
      firstForward.record(this.start, { first: values[name], s: unroll.after(0, unroll.states[s]) });
      const ds = unroll.after(0, unroll.dStates[s]);
      firstBackward.record(this.startBackward, { ds, dFirst: gradients[name] });
    }
  }
}
