/** Registers the built-in formats, one line each. */
import { registerFormat } from './format';
import { kerasFormat } from './keras';
import { onnxFormat } from './onnx';
import { torchFormat } from './torchimport';
import { torchProjectFormat } from './torchproject';
import { npzFormat, safetensorsFormat } from './torchweights';

registerFormat(onnxFormat);
registerFormat(safetensorsFormat);
registerFormat(npzFormat);
registerFormat(torchFormat);
registerFormat(kerasFormat);
registerFormat(torchProjectFormat);

export * from './format';
