/** Registers the built-in losses; each takes one file and one line here. */
import { absoluteError } from './absolute';
import { binaryCrossEntropy } from './binarycrossentropy';
import { crossEntropy } from './crossentropy';
import { huberError } from './huber';
import { lossNames, registerLoss } from './loss';
import { quantileError } from './quantile';
import { smoothedCrossEntropy } from './smoothed';
import { squaredError } from './squared';

registerLoss(crossEntropy);
registerLoss(smoothedCrossEntropy);
registerLoss(binaryCrossEntropy);
registerLoss(squaredError);
registerLoss(absoluteError);
registerLoss(huberError);
registerLoss(quantileError);

/** The losses that every process knows; one of a user's own travels with its checkpoint. */
export const builtInLosses: readonly string[] = lossNames();

export * from './loss';
