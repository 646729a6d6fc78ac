/** Exports weights alone under PyTorch's names: as a safetensors file, and as NumPy arrays. */
import { ONE, type Exported, type FormatDefinition } from '../format';
import { encodeNpz } from '../npz';
import { toPytorch } from './parameters';
import { encodeSafetensors, type SafeTensor } from '../safetensors';

const weightsOf = ({ network: { architecture, parameters } }: Exported): Map<string, SafeTensor> =>
  toPytorch(architecture, parameters.values);

export const safetensorsFormat: FormatDefinition = {
  name: 'safetensors',
  title: 'safetensors',
  help: "weights alone, by PyTorch's names",
  tested: "PyTorch's names; checkpoints also hold optimizer, random generator and vocabulary",
  write: {
    path: 'weights.safetensors',
    files: (exported) => ({ [ONE]: encodeSafetensors(weightsOf(exported), { format: 'pt' }) }),
    use: (out) => `safetensors.torch.load_file(${JSON.stringify(out)})`,
  },
};

export const npzFormat: FormatDefinition = {
  name: 'npz',
  title: "NumPy's `.npz`",
  help: "the same as NumPy's arrays",
  tested: 'NumPy',
  write: {
    path: 'weights.npz',
    files: (exported) => ({ [ONE]: encodeNpz(weightsOf(exported)) }),
    use: (out) => `numpy.load(${JSON.stringify(out)})`,
  },
};
