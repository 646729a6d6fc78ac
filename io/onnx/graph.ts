/** Builds an ONNX model as a protocol buffer: constants, nodes, inputs and outputs. */
import { joined } from '../../core/join';
import { bytes, float, message, number, text, type ProtobufField } from './protobuf';

/** Field numbers of the messages of a model (onnx.proto, IR version 8). */
const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8, metadata: 14 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, type: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, float: 2, int: 3, text: 4, ints: 8, texts: 9, kind: 20 } as const;
const KIND = { float: 1, int: 2, text: 3, ints: 7, texts: 8 } as const;
const TENSOR = { dim: 1, type: 2, name: 8, raw: 9 } as const;

const IR_VERSION = 8;
export const OPSET = 14;
const DTYPES = { float32: 1, int32: 6, int64: 7 } as const;
export type OnnxDtype = keyof typeof DTYPES;

export type Attribute = number | { float: number } | string | readonly number[] | readonly string[];
export type OnnxNumbers = Float32Array | Int32Array | BigInt64Array;
/** Sizes of axes; a named axis may have any size. */
export type Dims = readonly (number | string)[];

/** A model under construction. Order is preserved; nodes run in the order in which they are added. */
export class OnnxGraph {
  private readonly inputs: ProtobufField[] = [];
  private readonly outputs: ProtobufField[] = [];
  private readonly constants: ProtobufField[] = [];
  private readonly nodes: ProtobufField[] = [];

  input(name: string, dtype: OnnxDtype, dims: Dims): string {
    this.inputs.push(port(GRAPH.input, name, dtype, dims));
    return name;
  }

  output(name: string, dtype: OnnxDtype, dims: Dims): string {
    this.outputs.push(port(GRAPH.output, name, dtype, dims));
    return name;
  }

  /** Elements in row-major order. */
  constant(name: string, dims: readonly number[], numbers: OnnxNumbers): string {
    this.constants.push(bytes(GRAPH.initializer, encodeOnnxTensor(name, dims, numbers)));
    return name;
  }

  /** Sizes, axes or indices, which ONNX takes as 64-bit integers. */
  indices(name: string, values: readonly number[]): string {
    return this.constant(name, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Adds an operation and returns its first output; an input or output '' is omitted. */
  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly [string, ...string[]],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    this.nodes.push(
      message(
        GRAPH.node,
        ...inputs.map((name) => text(NODE.input, name)),
        ...outputs.map((name) => text(NODE.output, name)),
        text(NODE.name, `${type}_${this.nodes.length}`),
        text(NODE.type, type),
        ...Object.entries(attributes).map(([name, value]) =>
          message(NODE.attribute, text(ATTRIBUTE.name, name), ...attribute(value)),
        ),
      ),
    );
    return outputs[0];
  }

  /** The bytes of the model file, including the `metadata`. */
  encode(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    return joined(Uint8Array, [
      number(MODEL.irVersion, IR_VERSION),
      text(MODEL.producer, 'backstep'),
      message(
        MODEL.graph,
        ...this.nodes,
        text(GRAPH.name, 'network'),
        ...this.constants,
        ...this.inputs,
        ...this.outputs,
      ),
      message(MODEL.opset, text(1, ''), number(2, OPSET)),
      ...Object.entries(metadata).map(([key, value]) =>
        message(MODEL.metadata, text(1, key), text(2, value)),
      ),
    ]);
  }
}

/** A single tensor in the form of the test data beside a model; elements in row-major order. */
export function encodeOnnxTensor(name: string, dims: readonly number[], numbers: OnnxNumbers): Uint8Array {
  const raw = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const type =
    numbers instanceof Float32Array ? 'float32' : numbers.BYTES_PER_ELEMENT === 4 ? 'int32' : 'int64';
  const sizes = dims.map((n) => number(TENSOR.dim, n));
  return joined(Uint8Array, [
    ...sizes,
    number(TENSOR.type, DTYPES[type]),
    text(TENSOR.name, name),
    bytes(TENSOR.raw, raw),
  ]);
}

function attribute(value: Attribute): ProtobufField[] {
  if (typeof value === 'number') return [number(ATTRIBUTE.int, value), number(ATTRIBUTE.kind, KIND.int)];
  if (typeof value === 'string') return [text(ATTRIBUTE.text, value), number(ATTRIBUTE.kind, KIND.text)];
  if ('float' in value) return [float(ATTRIBUTE.float, value.float), number(ATTRIBUTE.kind, KIND.float)];
  const list = value.map((one) =>
    typeof one === 'number' ? number(ATTRIBUTE.ints, one) : text(ATTRIBUTE.texts, one),
  );
  return [...list, number(ATTRIBUTE.kind, typeof value[0] === 'number' ? KIND.ints : KIND.texts)];
}

function port(field: number, name: string, dtype: OnnxDtype, dims: Dims): ProtobufField {
  const shape = dims.map((n) => message(1, typeof n === 'number' ? number(1, n) : text(2, n)));
  const tensor = message(1, number(1, DTYPES[dtype]), message(2, ...shape));
  return message(field, text(1, name), message(2, tensor));
}
