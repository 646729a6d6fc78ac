/** Backstep: recurrent networks whose every gradient is derived by hand and checked. */

// Networks
export {
  network,
  copyNetwork,
  Network,
  type CopyChanges,
  type Gradients,
  type NetworkOptions,
  type Pass,
  type SummaryOptions,
  type Upstream,
} from './bptt/network/network';
export { bidirectional, type Bidirectional, type Layer } from './bptt/network/layers/layer';
export type { NoiseOptions } from './bptt/network/noise';
export { embedding, type Embedding, type EmbeddingOptions } from './cells/embedding';
export type { Architecture } from './bptt/network/architecture';
export type { Layers } from './bptt/network/layers/stack';
export type { Feed, Topology } from './bptt/network/topology';
export type { AttentionScore } from './bptt/network/layers/attention';
export type { Batch, PassOptions } from './bptt/network/batch/batch';
export type { FlatNumbers } from './bptt/network/batch/numbers';
export type { States } from './bptt/network/batch/states';
export { Parameters } from './bptt/network/parameters';

// Cells
export type { Activation } from './cells/parts/activation';
export { elman, type ElmanOptions } from './cells/elman';
export { lstm, type LstmOptions } from './cells/lstm';
export type { LstmBiasOptions } from './cells/parts/lstmbias';
export { lstm1997, type Lstm1997Options } from './cells/lstm1997';
export { gru, type GruOptions } from './cells/gru';
export { jordan, type JordanOptions } from './cells/jordan';
export { clockwork, type ClockworkOptions } from './cells/clockwork';
export type { LinearCellOptions } from './cells/parts/linear';
export { mingru } from './cells/mingru';
export { lmu, type LmuOptions } from './cells/lmu';
export { legendreDelay, legendreMemory, type LegendreMemory } from './cells/parts/legendre';
export { reservoir, type ReservoirOptions } from './cells/reservoir';
export { fitReadout, type ReadoutOptions } from './bptt/train/readout';
export { minlstm } from './cells/minlstm';
export { diagonal, type DiagonalOptions } from './cells/diagonal';
export { dense, type DenseOptions } from './cells/dense';
export {
  clockworkCounts,
  type ClockworkCounts,
  type ClockworkModule,
  type ClockworkModuleOptions,
} from './cells/parts/modules';
export type { Cell, CellOptions, ClockedEquations, Parameter, WeightInit } from './cells/cell';

// Training: losses, optimizers, schedules, clipping
export {
  fit,
  type FitOptions,
  type FitResult,
  type StepInfo,
  type ValidationOptions,
} from './bptt/train/fit';
export type { EarlyStopping, ValidationPoint } from './bptt/train/best';
export type { LossFunction, LossResult } from './bptt/train/ownloss';
export { ctc, ctcLabels, type CtcOptions } from './bptt/train/ctc';
export {
  plateau,
  type Better,
  type Plateau,
  type PlateauOptions,
  type PlateauState,
} from './bptt/train/plateau';
export type { LearnerOptions } from './bptt/train/learner';
export { LossCurve, type CurveRest, type LossPoint } from './bptt/train/curve';
export type { Batches, StreamBatch } from './bptt/train/source';
export { evaluate } from './bptt/train/learner';
export { truncated, type TruncatedOptions, type TruncatedResult } from './bptt/truncated';
export { onlineGradients, type OnlineGradients, type OnlineMethod, type OnlineOptions } from './bptt/online';
export { lossNames } from './losses';
export { namedOutputs, type NamedOutput, type NamedOutputs } from './bptt/network/namedoutputs';
export {
  optimizer,
  Optimizer,
  type OptimizerName,
  type OptimizerOptions,
  type OptimizerSnapshot,
} from './bptt/train/optimizers';
export type { ElementRange } from './bptt/network/usedrows';
export { optimizerNames } from './bptt/train/updates';
export type { SgdOptions } from './bptt/train/updates/sgd';
export type { RmspropOptions } from './bptt/train/updates/rmsprop';
export type { AdagradOptions } from './bptt/train/updates/adagrad';
export type { AdamOptions } from './bptt/train/updates/adam';
export { schedule, type Schedule, type ScheduleOptions } from './bptt/train/schedules';
export { clipGlobalNorm, clipValue, globalNorm } from './bptt/train/clip';
export { clipEffect, type ClipEffect, type ClipEffectOptions } from './bptt/train/clipeffect';
export { scheduledSampling, type ScheduledSamplingOptions } from './bptt/train/scheduled';

// Training in worker threads
export {
  parallel,
  type Parallel,
  type ParallelOptions,
  type ParallelPassOptions,
  type ParallelPass,
} from './bptt/parallel/parallel';
export type { PassFigures } from './bptt/parallel/share';
export { suggestedThreads } from './bptt/parallel/threads';

// Generating sequences
export { decode, type DecodeOptions, type Hypothesis } from './bptt/decode/decode';
export type { DecodeInput } from './bptt/decode/writer';

// Checking gradients
export { gradcheck, type GradcheckOptions, type GradcheckReport } from './bptt/check/gradcheck';
export type { GradcheckRow, Oracle } from './bptt/check/row';
export type { Direction, Estimate, Reason, Verdict } from './bptt/check/judge';
export { errorBounds, relativeError } from './bptt/check/bounds';
export { mutationScore, type MutantOracle, type MutationReport } from './bptt/check/mutants';
export {
  diagnose,
  type DiagnoseOptions,
  type Diagnosis,
  type Explanation,
  type GradientDifference,
} from './referee/diagnose';
export { diagnoseNetwork, type NetworkDiagnoseOptions } from './referee/network';
export type { EquationLine } from './referee/edits';
export type { Precision } from './referee/errorbound';
export type { Question } from './referee/subject';

// Checking gradients: the oracles one by one
export {
  problemOfNetwork,
  problemOfCell,
  type CellProblemOptions,
  type Problem,
  type Variable,
} from './bptt/check/problem';
export { exactCheck, type ExactMismatch, type ExactReport } from './bptt/check/exact/oracle';
export { centralDifferences, type DifferenceOptions, type Differences } from './bptt/check/finite';
export { forwardMode, type ForwardMode } from './bptt/check/rtrl';
export { doubleSum } from './bptt/check/jacobians/doublesum';
export {
  recurrenceByLoop,
  recurrenceByScan,
  recurrenceGradients,
  type LinearRecurrence,
} from './core/programs/scan';
export {
  newton,
  newtonSlope,
  type NewtonOptions,
  type NewtonResult,
  type AtStep,
} from './bptt/check/jacobians/newton';
export type { StateSlope } from './bptt/check/jacobians/reaching';

// How gradients flow through time; second derivatives
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
export { trace, type TracedUnit, type TraceOptions } from './bptt/trace/trace';
export type { TracedLine, TracedValue } from './bptt/trace/arithmetic';
export { jacobiansOf, type Jacobians } from './bptt/check/jacobians/jacobian';
export type { Matrix } from './bptt/check/jacobians/stepcopies';
export { hessianVector, leadingCurvature, type Curvature, type CurvatureOptions } from './bptt/check/hessian';

// Hopfield networks
export { hopfield, type Hopfield, type HopfieldOptions } from './hopfield/network';
export {
  denseHopfield,
  type DenseHopfield,
  type DenseHopfieldOptions,
  type EnergyOrder,
} from './hopfield/dense';
export {
  continuousHopfield,
  type ContinuousHopfield,
  type ContinuousHopfieldOptions,
  type ContinuousRecall,
  type ContinuousRecallOptions,
} from './hopfield/continuous';
export type { AssociativeMemory } from './hopfield/memory';
export type { StorageRule } from './hopfield/storage';
export type {
  RecallEnd,
  RecallMode,
  RecallOptions,
  RecallResult,
  RecallStep,
  StateFields,
} from './hopfield/recall';
export { corrupt, randomPatterns, type HopfieldPatterns, type HopfieldState } from './hopfield/patterns';
export {
  bitError,
  capacity,
  expectedBitError,
  type CapacityOptions,
  type CapacityRow,
} from './hopfield/capacity';

// Data of your own: tables, splits, scales, windows, batches, metrics
export { readTable, Table, type FileFormat, type TableOptions } from './data/table';
export type { Column, ColumnKind, ColumnOf, ReadAs } from './data/column';
export type { CellFormat, DateFormat, NumberFormat } from './data/cells';
export type { Piece, Source } from './data/text';
export { split, type Split, type SplitOptions } from './data/split';
export { scaleOf, standardise, type Scale } from './data/standardise';
export { fill, type Filling } from './data/missing';
export { windows, type WindowOptions } from './data/windows';
export { epoch, padded, type EpochOptions } from './data/epoch';
export * as metrics from './data/metrics';

// Files, in and out
export {
  decodeCheckpoint,
  encodeCheckpoint,
  type Checkpoint,
  type CheckpointOptions,
  type CheckpointToSave,
} from './io/checkpoint';
export { load, save } from './io/save';
export { Vocabulary, type TextTokens } from './io/vocabulary';
export { readVocabulary } from './io/vocabularyfile';
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafeDtype,
  type SafeFile,
  type SafeTensor,
} from './io/safetensors';
export { decodeNpy, encodeNpy } from './io/npy';
export { decodeNpz, encodeNpz } from './io/npz';
export { encodeOnnx, type OnnxOptions } from './io/onnx/model';
export { fromPytorch } from './io/torch/import';
export { toPytorch } from './io/torch/parameters';
export { pytorchProject } from './io/torch/project';
export type { PytorchProject } from './io/torch/script';
export type { Preparation } from './io/torch/predict';
export { fromKeras, toKeras } from './io/keras';
export type { ImportOptions, StoredWeights } from './io/foreign';
export {
  registerFormat,
  type Exported,
  type FormatDefinition,
  type FormatOptions,
  type FormatReader,
  type FormatWriter,
} from './io/formats';
export type {
  ChoiceSetting,
  SettingBase,
  Interval,
  NumberSetting,
  Setting,
  SwitchSetting,
  TextSetting,
} from './core/setting';

// Cells, losses, optimizers and schedules of your own
export { cell, type CellDefinition } from './cells/define';
export {
  registerCell,
  type CellForm,
  type CellKind,
  type CellKindDefinition,
  type CellMaker,
  type CellParts,
  type CellSizes,
} from './cells/kinds';
export type { CellEquations, CellOption, ColumnRange, StatementPair } from './cells/cell';
export { cellFromText, textOfCell, type TextCellOptions } from './cells/text';
export { equations } from './core/equations/equations';
export type { Compiled } from './core/equations/block';
export type { Shape, Shapes } from './core/equations/shapes';
export { EquationError } from './core/equations/error';
export {
  loss,
  registerLoss,
  type Loss,
  type LossDefinition,
  type LossPrediction,
  type LossTargets,
} from './losses';
export {
  registerOptimizer,
  type CommonOptimizerOptions,
  type OptimizerDefinition,
  type OptimizerOption,
  type ParameterGroup,
  type RegisteredOptions,
  type OptimizerUpdate,
} from './bptt/train/updates';
export { registerSchedule, type ScheduleDefinition } from './bptt/train/schedules';

// Tensors, random numbers, initial weights
export {
  zeros,
  tensor,
  transpose,
  toFlat,
  toNested,
  type Numbers,
  type Tensor,
  type Tensors,
} from './core/tensor';
export { reserveMemory, type Data, type Dtype } from './core/memory';
export { softmax } from './core/softmax';
export { Random, type RandomState } from './core/random/random';
export * as init from './core/random/init';

// Programs: tensor operations, recorded once and run by an executor
export { Program, type Arguments, type Binder, type Executor, type Replay } from './core/programs/program';
export type {
  Entry,
  Loop,
  Operation,
  Pointwise,
  Product,
  Reduction,
  Repeated,
} from './core/programs/operation';
export { executorOf, type ExecutorName } from './core/programs/executor';
export { Unroll, type UnrollOptions, type UnrollParts } from './bptt/unroll';
export { statement, type Graph, type GraphNode, type Statement } from './core/programs/statement';
export { printGraph } from './core/programs/print';
export * as ops from './core/programs/ops';
export type { OperationName, Scalar } from './core/programs/scalar';
