/** `backstep suite`: writes the conformance suite of recurrent layers, with outputs and gradients. */
import type { Command } from 'commander';
import { join } from 'node:path';
import { suiteLayers } from '../conformance/cases';
import { gradientScores } from '../conformance/gradientscore';
import { suiteFiles } from '../conformance/write';
import { writeWhole } from '../io/files';
import { saving } from '../terminal/errors';
import { line } from '../terminal/output';
import { showScores } from './conformance';

interface SuiteOptions {
  out: string;
  score?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('suite')
    .description(
      'write a conformance suite of recurrent layers: outputs and gradients, as ONNX, WebNN and safetensors',
    )
    .option('--out <folder>', 'folder to write', 'suite')
    .option(
      '--score',
      'also count the planted mistakes that its gradients reveal in float32 (takes a minute)',
    )
    .addHelpText(
      'after',
      '\nExample:\n  backstep suite --out suite\n\nWhat is in it: docs/guide/conformance.md\n',
    )
    .action(run);
}

function run({ out, score = false }: SuiteOptions): void {
  const { files, counts } = suiteFiles();
  let bytes = 0;
  for (const [path, contents] of files) {
    bytes += contents.length;
    saving(() => writeWhole(join(out, path), contents), 'another folder by --out');
  }
  line(`${files.size} files in ${out}, ${Math.round(bytes / 1000)} kB`);
  line(`  onnx: ${counts.onnx} node tests; outputs, no gradients`);
  line(`  webnn: ${counts.webnn} tests; outputs, no gradients, lengths, clip or plain recurrent networks`);
  line(`  safetensors: ${counts.safetensors} cases; outputs and gradients`);
  if (score) showScores('wrong backward passes noticed', gradientScores(suiteLayers(), 'float32'), false);
}
