/** Registers the built-in formats, one line each. */
import { registerFormat } from './format';
import { kerasFormat } from './keras';
import { onnxFormat } from './onnx/model';
import { torchFormat } from './torch/import';
import { torchProjectFormat } from './torch/project';
import { npzFormat, safetensorsFormat } from './torch/weights';

registerFormat(onnxFormat);
registerFormat(safetensorsFormat);
registerFormat(npzFormat);
registerFormat(torchFormat);
registerFormat(kerasFormat);
registerFormat(torchProjectFormat);

export * from './format';
