/** Writes the whole conformance suite as files; the bytes are deterministic. */
import { answersOf, tolerancesOf } from './answers';
import { suiteLayers } from './cases';
import { caseFile, type ManifestEntry } from './filewrite';
import { onnxFiles } from './onnxwrite';
import { fitsWebnn, webnnTests } from './webnnwrite';

/** The written files, and the number of cases in each format. */
export interface SuiteFiles {
  /** By path relative to the suite's folder. */
  files: Map<string, Uint8Array>;
  /** Number of cases in each format. */
  counts: { onnx: number; webnn: number; safetensors: number };
}

/** All files of the suite. */
export function suiteFiles(): SuiteFiles {
  const files = new Map<string, Uint8Array>();
  const cases: ManifestEntry[] = [];
  const webnn: Record<'lstm' | 'gru', object[]> = { lstm: [], gru: [] };
  const layers = suiteLayers();
  for (const named of layers) {
    const { name, layer } = named;
    const answers = answersOf(layer);
    const tolerances = { float64: tolerancesOf(layer, 'float64'), float32: tolerancesOf(layer, 'float32') };
    for (const [path, bytes] of Object.entries(onnxFiles(named, answers, tolerances.float32)))
      files.set(`onnx/test_${name}/${path}`, bytes);
    const { bytes, entry } = caseFile(named, answers, tolerances);
    files.set(`safetensors/${entry.file}`, bytes);
    cases.push(entry);
    if (fitsWebnn(layer))
      webnn[layer.operator.kind as 'lstm'].push(...webnnTests(named, answers, tolerances.float32));
  }
  const encoder = new TextEncoder();
  files.set(
    'safetensors/manifest.json',
    encoder.encode(`${JSON.stringify({ format: 'backstep cases', version: 1, cases })}\n`),
  );
  for (const [kind, tests] of Object.entries(webnn))
    files.set(`webnn/${kind}.json`, encoder.encode(`${JSON.stringify(tests)}\n`));
  return {
    files,
    counts: { onnx: layers.length, webnn: webnn.lstm.length + webnn.gru.length, safetensors: layers.length },
  };
}
