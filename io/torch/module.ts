/** Python calls that make the modules of PyTorch which compute given layers. */
import type { Architecture } from '../../bptt/network/architecture';
import { mustBe } from '../../core/check';
import { directionsOf, inputOf, isBidirectional, widthOf, type Layer } from '../../bptt/network/layers/layer';

/** The call of nn.`module` for layers that it computes. */
export function moduleCall(layers: readonly Layer[], module: string, dropout: number): string {
  const [{ cell }] = directionsOf(layers[0], 0);
  const { activation, bias, projection } = cell.options as {
    activation?: string;
    bias: boolean;
    projection?: number;
  };
  const named: string[] = [];
  if (layers.length > 1) named.push(`num_layers=${layers.length}`);
  if (activation === 'relu') named.push('nonlinearity="relu"');
  if (!bias) named.push('bias=False');
  if (projection !== undefined) named.push(`proj_size=${projection}`);
  // PyTorch applies no dropout after the last layer
  if (dropout > 0 && layers.length > 1) named.push(`dropout=${dropout}`);
  if (isBidirectional(layers[0])) named.push('bidirectional=True');
  return `nn.${module}(${[inputOf(layers[0]), cell.hidden, ...named].join(', ')})`;
}

/** The output layer. */
export const headOf = ({ layers, output }: Architecture): string =>
  output === undefined ? 'nn.Identity()' : `nn.Linear(${widthOf(layers[layers.length - 1])}, ${output})`;

/** The one probability of dropout of all layers, as PyTorch's modules have it. */
export function oneDropout({ dropout }: Architecture): number {
  mustBe(typeof dropout === 'number', 'torch', 'dropout must be one number for all layers', 'a list');
  return dropout;
}
