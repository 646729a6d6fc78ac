/** Gradients of networks that read class indices, by every oracle: the slower cases. */
import { checkGradients, layers, light } from './onehotnets';

test.each(Object.keys(layers).filter((name) => !light.includes(name)))('%s', checkGradients);
