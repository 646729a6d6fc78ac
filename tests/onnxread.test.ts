/** Reading ONNX: round trips of our own models, and clear messages for malformed models and tensors. */
import { joined } from '../core/join';
import { OnnxGraph, encodeOnnxTensor } from '../io/onnx/graph';
import { decodeOnnxModel, decodeOnnxTensor } from '../io/onnx/read';
import { bytes, message, number, text } from '../io/onnx/protobuf';

/** The numbers of TensorProto's fields. */
const [DIM, TYPE, FLOATS, INT32S, INT64S, NAME, RAW, DOUBLES] = [1, 2, 4, 5, 7, 8, 9, 10];
const raw = (array: Float32Array | Float64Array): Uint8Array => new Uint8Array(array.buffer);

describe('a tensor', () => {
  it('comes back as it was written', () => {
    const written = [Float32Array.of(1, -2.5), Int32Array.of(3, -4), BigInt64Array.of(5n, -(2n ** 40n))];
    const read = written.map((numbers, k) => decodeOnnxTensor(encodeOnnxTensor(`t${k}`, [2, 1], numbers)));
    expect(read.map(({ name, dims, dtype }) => [name, dims, dtype])).toEqual([
      ['t0', [2, 1], 'float32'],
      ['t1', [2, 1], 'int32'],
      ['t2', [2, 1], 'int64'],
    ]);
    expect(read.map(({ numbers }) => [...numbers])).toEqual([
      [1, -2.5],
      [3, -4],
      [5, -(2 ** 40)],
    ]);
  });

  it('may keep its numbers in fields of their own, packed or one by one', () => {
    const head = (type: number): Uint8Array => joined(Uint8Array, [number(DIM, 2), number(TYPE, type)]);
    const of = (type: number, ...fields: Uint8Array[]): number[] => [
      ...decodeOnnxTensor(joined(Uint8Array, [head(type), ...fields])).numbers,
    ];
    expect(of(1, bytes(FLOATS, raw(Float32Array.of(0.5, 2))))).toEqual([0.5, 2]);
    expect(of(11, bytes(DOUBLES, raw(Float64Array.of(0.1, 2))))).toEqual([0.1, 2]);
    expect(of(6, bytes(INT32S, Uint8Array.of(1, 0x80, 0x01)))).toEqual([1, 128]);
    expect(of(7, number(INT64S, 3), number(INT64S, 4))).toEqual([3, 4]);
    expect([
      ...decodeOnnxTensor(
        joined(Uint8Array, [bytes(DIM, Uint8Array.of(1, 1)), number(TYPE, 6), number(INT32S, 9)]),
      ).numbers,
    ]).toEqual([9]);
  });

  const float2 = [number(DIM, 2), number(TYPE, 1), text(NAME, 't')];
  it.each<[string, Uint8Array, string]>([
    ['a field that never ends', Uint8Array.of(0x08, 0xff), 'a whole number must end'],
    [
      'a number of eleven bytes',
      Uint8Array.of(8, ...Array<number>(11).fill(0xff)),
      'must have at most 10 bytes',
    ],
    ['a field without a number', Uint8Array.of(0), 'a field must have a number'],
    ['a field of an old kind', Uint8Array.of(0x0b), 'field 1 must be of kind 0, 1, 2 or 5, got 3'],
    ['bytes beyond the end', Uint8Array.of(0x4a, 9, 1), 'field 9 must have at most 1 bytes, got 9'],
    [
      'a negative length',
      joined(Uint8Array, [Uint8Array.of(0x4a, ...Array<number>(9).fill(0xff), 1)]),
      'got -1',
    ],
    [
      'texts',
      joined(Uint8Array, [number(DIM, 1), number(TYPE, 8)]),
      'a tensor must be of float32, float64, int32 or int64, got type 8',
    ],
    [
      'a negative size',
      joined(Uint8Array, [bytes(DIM, Uint8Array.of(...Array<number>(9).fill(0xff), 1)), number(TYPE, 1)]),
      'dims must be sizes',
    ],
    [
      'a huge size',
      joined(Uint8Array, [number(DIM, 2 ** 40), number(TYPE, 1)]),
      'dims must be sizes of at most',
    ],
    [
      'too few numbers',
      joined(Uint8Array, [...float2, bytes(RAW, raw(Float32Array.of(1)))]),
      '[2] must have 2 numbers, got 1',
    ],
    [
      'half a number',
      joined(Uint8Array, [...float2, bytes(RAW, Uint8Array.of(1, 2, 3))]),
      'numbers must be of 4 bytes each, got 3',
    ],
    [
      'numbers in another file',
      joined(Uint8Array, [...float2, number(14, 1)]),
      'numbers must stand in the file',
    ],
  ])('with %s is refused', (_, file, reason) => {
    expect(() => decodeOnnxTensor(file, 'x.pb')).toThrow(reason);
    expect(() => decodeOnnxTensor(file, 'x.pb')).toThrow(/^x\.pb: /);
  });
});

describe('a model', () => {
  it('comes back as it was written', () => {
    const graph = new OnnxGraph();
    graph.input('X', 'float32', ['time', 2]);
    graph.output('Y', 'float32', [3]);
    graph.constant('W', [1], Float32Array.of(7));
    graph.node('RNN', ['X', 'W', ''], ['Y'], {
      ...{ hidden_size: 3, clip: { float: 0.5 }, direction: 'reverse' },
      ...{ activations: ['Relu', 'Tanh'], axes: [1, 2] },
    });
    const { nodes, inputs, outputs, constants } = decodeOnnxModel(graph.encode({ note: 'x' }));
    expect({ inputs, outputs }).toEqual({ inputs: ['X'], outputs: ['Y'] });
    expect(nodes).toEqual([
      {
        ...{ type: 'RNN', inputs: ['X', 'W', ''], outputs: ['Y'] },
        attributes: {
          ...{ hidden_size: 3, clip: 0.5, direction: 'reverse' },
          ...{ activations: ['Relu', 'Tanh'], axes: [1, 2] },
        },
      },
    ]);
    expect(constants.map(({ name, numbers }) => [name, ...numbers])).toEqual([['W', 7]]);
  });

  it('without a graph is none', () => {
    expect(() => decodeOnnxModel(number(1, 8))).toThrow('onnx: the file must hold a graph, got none');
    expect(() => decodeOnnxModel(message(7, number(1, 3)))).toThrow('field 1 must hold bytes');
  });
});
