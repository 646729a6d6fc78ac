/** Gradients of cells with non-default activations and with clipping: the larger cells. */
import { describeGradients, texts } from './activations';

describeGradients(texts.filter(([name]) => !/^elman|before/.test(name)));
