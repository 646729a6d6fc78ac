/** A recurrent layer as an ONNX model, written as the protocol buffer that it is. */

type Field = Uint8Array;

/** Numbers of at most 53 bits, seven bits a byte. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const number = (field: number, value: number): Field =>
  Uint8Array.from([...varint(field * 8), ...varint(value)]);
const bytes = (field: number, value: Uint8Array): Field =>
  joined([Uint8Array.from([...varint(field * 8 + 2), ...varint(value.length)]), value]);
const text = (field: number, value: string): Field => bytes(field, Buffer.from(value));
const message = (field: number, ...fields: Field[]): Field => bytes(field, joined(fields));

const FLOAT = 1;
const INT64 = 7;

/** A constant of the model. */
export function constant(
  name: string,
  dims: readonly number[],
  numbers: Float32Array | BigInt64Array,
): Field {
  const raw = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const type = numbers instanceof Float32Array ? FLOAT : INT64;
  return message(5, ...dims.map((n) => number(1, n)), number(2, type), text(8, name), bytes(9, raw));
}

/** One operation; attributes are whole numbers. */
export function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, number>> = {},
): Field {
  const given = Object.entries(attributes).map(([name, value]) =>
    message(5, text(1, name), number(3, value), number(20, 2)),
  );
  return message(
    1,
    ...inputs.map((i) => text(1, i)),
    ...outputs.map((o) => text(2, o)),
    text(4, type),
    ...given,
  );
}

/** What the model is given (11) or gives (12): floats of that shape. */
function port(field: 11 | 12, name: string, dims: readonly number[]): Field {
  const shape = dims.map((n) => message(1, number(1, n)));
  return message(field, text(1, name), message(2, message(1, number(1, FLOAT), message(2, ...shape))));
}

/** A model of operations in order, opset 14. */
export function model(
  inputs: Readonly<Record<string, readonly number[]>>,
  outputs: Readonly<Record<string, readonly number[]>>,
  parts: readonly Field[],
): Uint8Array {
  const graph = [
    ...parts,
    text(2, 'layer'),
    ...Object.entries(inputs).map(([name, dims]) => port(11, name, dims)),
    ...Object.entries(outputs).map(([name, dims]) => port(12, name, dims)),
  ];
  return joined([
    number(1, 8),
    text(2, 'backstep'),
    message(7, ...graph),
    message(8, text(1, ''), number(2, 14)),
  ]);
}
