/** Backstep: recurrent networks whose every gradient is derived by hand and checked. */
export * as scalar from './core/scalar';
export {
  Dual,
  add,
  sub,
  mul,
  div,
  neg,
  abs,
  min,
  max,
  exp,
  log,
  log1p,
  sqrt,
  tanh,
  sigmoid,
  relu,
  step,
  select,
  named,
} from './core/scalar';
export type { Scalar } from './core/scalar';
export {
  statement,
  statementOf,
  inputsOf,
  type Graph,
  type GraphNode,
  type Statement,
} from './core/statement';
export { print } from './core/print';
export {
  zeros,
  tensor,
  rows,
  columns,
  transpose,
  reshape,
  toFlat,
  toNested,
  type Tensor,
  type Tensors,
} from './core/tensor';
export { Program, type Executor, type Operation } from './core/program';
export { executorOf, type ExecutorName } from './core/executor';
export { plain } from './core/plain';
export { softmax, norm } from './core/reduce';
export { Random, type RandomState } from './core/random';
export * as init from './core/init';
export type { Dtype } from './core/memory';
export { elman, type ElmanOptions } from './cells/elman';
export { lstm, type LstmOptions } from './cells/lstm';
export { lstm1997, type Lstm1997Options } from './cells/lstm1997';
export { gru, type GruOptions } from './cells/gru';
export { jordan, type JordanOptions } from './cells/jordan';
export { clockwork, type ClockworkOptions } from './cells/clockwork';
export {
  clockworkCounts,
  type ClockworkCounts,
  type ClockworkModule,
  type ClockworkModuleOptions,
} from './cells/modules';
export { cell, type CellDefinition } from './cells/define';
export { cellFromText, type TextCellOptions } from './cells/text';
export { EquationError } from './core/equations/error';
export {
  type Cell,
  type CellEquations,
  type CellOptions,
  type Parameter,
  type ColumnRange,
  type StatementPair,
} from './cells/cell';
export { hopfield, type Hopfield, type HopfieldOptions } from './hopfield/network';
export type { StorageRule } from './hopfield/storage';
export type { RecallMode, RecallStep, RecallResult, RecallOptions } from './hopfield/recall';
export { corrupt, randomPatterns, type HopfieldPatterns, type HopfieldState } from './hopfield/patterns';
export {
  bitError,
  capacity,
  expectedBitError,
  type CapacityOptions,
  type CapacityRow,
} from './hopfield/capacity';
export {
  network,
  copyNetwork,
  Network,
  type Gradients,
  type NetworkOptions,
  type Pass,
  type Upstream,
} from './bptt/network/network';
export { embedding, type Embedding, type EmbeddingOptions } from './cells/embedding';
export { bidirectional, type Bidirectional, type Layer } from './bptt/network/layer';
export type { Feed, Topology } from './bptt/network/topology';
export type { Batch, PassOptions } from './bptt/network/batch';
export type { States } from './bptt/network/states';
export type { AttentionScore } from './bptt/network/attention';
export { loss, lossNames, registerLoss, type Loss, type LossDefinition } from './losses';
export type { Architecture } from './bptt/network/architecture';
export type { CellMaker } from './cells/makers';
export type { FlatNumbers } from './bptt/network/numbers';
export { decode, type DecodeOptions, type Hypothesis } from './bptt/decode/decode';
export { scheduledSampling, type ScheduledSamplingOptions } from './bptt/train/scheduled';
export type { DecodeInput } from './bptt/decode/writer';
export { Unroll } from './bptt/unroll';
export { fit, type FitOptions, type StepInfo, type FitResult } from './bptt/train/fit';
export type { Batches, StreamBatch } from './bptt/train/source';
export { evaluate } from './bptt/train/learner';
export {
  parallel,
  type Parallel,
  type ParallelOptions,
  type ParallelPassOptions,
  type ParallelPass,
} from './bptt/parallel/parallel';
export { suggestedThreads } from './bptt/parallel/threads';
export { optimizer, Optimizer, type OptimizerName, type OptimizerOptions } from './bptt/train/optimizers';
export {
  optimizerNames,
  registerOptimizer,
  type OptimizerDefinition,
  type OptimizerOption,
  type RegisteredOptions,
  type OptimizerUpdate,
} from './bptt/train/updates';
export {
  registerSchedule,
  schedule,
  type Schedule,
  type ScheduleDefinition,
  type ScheduleOptions,
} from './bptt/train/schedules';
export { clipEffect, type ClipEffect, type ClipEffectOptions } from './bptt/train/clipeffect';
export { clipGlobalNorm, clipValue, globalNorm } from './bptt/train/clip';
export { truncated, type TruncatedOptions, type TruncatedResult } from './bptt/truncated';
export { Parameters } from './bptt/network/parameters';
export {
  gradcheck,
  type GradcheckOptions,
  type GradcheckReport,
  type GradcheckRow,
  type Oracle,
} from './bptt/check/gradcheck';
export { mutationScore, type MutationReport } from './bptt/check/mutants';
export { problemOfNetwork, problemOfCell, type Problem } from './bptt/check/problem';
export { exactCheck, type ExactMismatch, type ExactReport } from './bptt/check/exact';
export {
  diagnose,
  type DiagnoseOptions,
  type Diagnosis,
  type Explanation,
  type GradientDifference,
} from './referee/diagnose';
export { diagnoseNetwork, type NetworkDiagnoseOptions } from './referee/network';
export type { Question } from './referee/subject';
export { forwardMode } from './bptt/check/rtrl';
export { hessianVector, leadingCurvature, type Curvature, type CurvatureOptions } from './bptt/check/hessian';
export { centralDifferences } from './bptt/check/finite';
export { doubleSum, type DoubleSum } from './bptt/check/doublesum';
export {
  flow,
  trendOf,
  type FlowDistance,
  type Flow,
  type FlowOptions,
  type LayerFlow,
  type Trend,
} from './bptt/flow/flow';
export {
  exampleMatrices,
  spectralRadius,
  spectrum,
  type Eigenvalue,
  type Spectrum,
  type SpectrumOptions,
} from './bptt/flow/spectrum';
export { jacobiansOf, type Jacobians } from './bptt/check/jacobian';
export type { Matrix } from './bptt/check/copies';
export { errorBounds, relativeError } from './bptt/check/bounds';
export { decodeCheckpoint, encodeCheckpoint, type Checkpoint, type CheckpointOptions } from './io/checkpoint';
export { Vocabulary } from './io/vocabulary';
export { decodeSafetensors, encodeSafetensors, type SafeFile, type SafeTensor } from './io/safetensors';
export { decodeNpy, encodeNpy } from './io/npy';
export { decodeNpz, encodeNpz } from './io/npz';
export { encodeOnnx, type OnnxOptions } from './io/onnx';
export { fillFromPytorch, toPytorch } from './io/pytorch';
export { fromPytorch } from './io/torchimport';
export { pytorchProject } from './io/torchproject';
export type { PytorchProject } from './io/torchscript';
export { fromKeras, toKeras } from './io/keras';
export type { ImportOptions } from './io/foreign';
