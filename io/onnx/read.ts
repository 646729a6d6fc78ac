/** Reads ONNX models and the tensors of their test data, as far as node tests need them. */
import { must, mustBe } from '../../core/check';
import { safe } from '../../core/safe';
import { fieldsOf, varintsOf, type Read } from './protobuf';

export interface OnnxTensor {
  name: string;
  dims: number[];
  dtype: string;
  /** Row-major. */
  numbers: Float64Array;
}

export interface OnnxNode {
  type: string;
  inputs: string[];
  outputs: string[];
  attributes: Readonly<Record<string, number | string | readonly number[] | readonly string[]>>;
}

export interface OnnxModel {
  nodes: OnnxNode[];
  /** Names in the order of the test data files. */
  inputs: string[];
  outputs: string[];
  constants: OnnxTensor[];
}

/** Element types by number (onnx.proto, TensorProto.DataType): those that a double represents. */
const DTYPES: Readonly<Record<number, [name: string, bytes: number]>> = {
  1: ['float32', 4],
  6: ['int32', 4],
  7: ['int64', 8],
  11: ['float64', 8],
};

/** Maximum number of elements of a tensor: far more than a node test has. */
const MOST_NUMBERS = 2 ** 26;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Typed access to the fields of a message. */
class Message {
  private readonly fields: Read[];

  constructor(
    message: Uint8Array,
    readonly where: string,
  ) {
    this.fields = fieldsOf(message, where);
  }

  /** All byte values of a field. */
  bytes(field: number): Uint8Array[] {
    return this.of(field).map(({ value }) => {
      mustBe(typeof value !== 'number', this.where, `field ${field} must hold bytes`, value);
      return value;
    });
  }

  texts(field: number): string[] {
    return this.bytes(field).map((value) => safe(utf8.decode(value)));
  }

  text(field: number): string {
    return this.texts(field).at(-1) ?? '';
  }

  messages(field: number, where = this.where): Message[] {
    return this.bytes(field).map((value) => new Message(value, where));
  }

  /** Integers, packed or one by one. */
  numbers(field: number): number[] {
    return this.of(field).flatMap(({ value, fixed }) => {
      if (typeof value === 'number') return [value];
      mustBe(!fixed, this.where, `field ${field} must hold whole numbers`, 'a float');
      return varintsOf(value, this.where);
    });
  }

  /** float32 or float64 values, packed or one by one. */
  floats(field: number, width: 4 | 8): number[] {
    return this.bytes(field).flatMap((value) => [...floatsOf(value, width, this.where)]);
  }

  has(field: number): boolean {
    return this.of(field).length > 0;
  }

  private of(field: number): Read[] {
    return this.fields.filter((one) => one.field === field);
  }
}

/**
 * The tensor of a file such as `input_0.pb`.
 * @throws RangeError or TypeError for malformed bytes, or a number of elements that contradicts the shape.
 */
export function decodeOnnxTensor(bytes: Uint8Array, where = 'onnx'): OnnxTensor {
  return tensorOf(new Message(bytes, where));
}

function tensorOf(message: Message): OnnxTensor {
  const { where } = message;
  const [dims, name] = [message.numbers(1), message.text(8)];
  const type = message.numbers(2).at(-1) ?? 0;
  mustBe(
    Object.hasOwn(DTYPES, type),
    where,
    'a tensor must be of float32, float64, int32 or int64',
    `type ${type}`,
  );
  must(
    !message.has(13) && !message.numbers(14).includes(1),
    where,
    'numbers must stand in the file',
    'a place elsewhere',
  );
  const [dtype, width] = DTYPES[type];
  const count = dims.reduce((product, n) => (Number.isSafeInteger(n) && n >= 0 ? product * n : NaN), 1);
  must(count <= MOST_NUMBERS, where, `dims must be sizes of at most ${MOST_NUMBERS} numbers`, dims);
  const numbers = message.has(9) ? fromRaw(message, dtype, width) : fromFields(message, dtype);
  must(numbers.length === count, where, `[${dims.join(', ')}] must have ${count} numbers`, numbers.length);
  return { name, dims, dtype, numbers };
}

function fromRaw(message: Message, dtype: string, width: number): Float64Array {
  const [raw] = message.bytes(9);
  if (dtype.startsWith('float')) return floatsOf(raw, width as 4 | 8, message.where);
  must(raw.length % width === 0, message.where, `raw data must be of ${width} bytes each`, raw.length);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float64Array.from({ length: raw.length / width }, (_, k) =>
    width === 4 ? view.getInt32(4 * k, true) : Number(view.getBigInt64(8 * k, true)),
  );
}

/** Reads elements; each element type has a field of its own. */
function fromFields(message: Message, dtype: string): Float64Array {
  if (dtype === 'float32') return Float64Array.from(message.floats(4, 4));
  if (dtype === 'float64') return Float64Array.from(message.floats(10, 8));
  return Float64Array.from(message.numbers(dtype === 'int32' ? 5 : 7));
}

function floatsOf(bytes: Uint8Array, width: 4 | 8, where: string): Float64Array {
  must(bytes.length % width === 0, where, `numbers must be of ${width} bytes each`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.length / width }, (_, k) =>
    width === 4 ? view.getFloat32(4 * k, true) : view.getFloat64(8 * k, true),
  );
}

/**
 * The graph in a model file.
 * @throws RangeError or TypeError for malformed bytes.
 */
export function decodeOnnxModel(bytes: Uint8Array, where = 'onnx'): OnnxModel {
  const [graph] = new Message(bytes, where).messages(7);
  mustBe(graph !== undefined, where, 'the file must hold a graph', 'none');
  return {
    nodes: graph.messages(1).map((node) => ({
      ...{ type: node.text(4), inputs: node.texts(1), outputs: node.texts(2) },
      attributes: Object.fromEntries(node.messages(5).map((one) => [one.text(1), attributeOf(one)])),
    })),
    inputs: graph.messages(11).map((one) => one.text(1)),
    outputs: graph.messages(12).map((one) => one.text(1)),
    constants: graph.messages(5).map(tensorOf),
  };
}

/** Field numbers of an attribute's values; old files do not state which one applies. */
function attributeOf(one: Message): OnnxNode['attributes'][string] {
  if (one.has(3)) return one.numbers(3)[0];
  if (one.has(2)) return one.floats(2, 4)[0];
  if (one.has(4)) return one.text(4);
  if (one.has(9)) return one.texts(9);
  return one.has(7) ? one.floats(7, 4) : one.numbers(8);
}
