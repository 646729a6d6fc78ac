/** Cells with other activations and with a clip: the gradients of the larger ones. */
import { describeGradients, texts } from './activations';

describeGradients(texts.filter(([name]) => !/^elman|before/.test(name)));
