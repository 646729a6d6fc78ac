/** Gradients of networks that read class numbers, by every oracle: those that take longer. */
import { checkGradients, layers, light } from './onehotnets';

test.each(Object.keys(layers).filter((name) => !light.includes(name)))('%s', checkGradients);
