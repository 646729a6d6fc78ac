/** Registers the built-in losses; each takes one file and one line here. */
import { binaryCrossEntropy } from './binarycrossentropy';
import { crossEntropy } from './crossentropy';
import { registerLoss } from './loss';
import { squaredError } from './squared';

for (const built of [crossEntropy, binaryCrossEntropy, squaredError]) registerLoss(built);

export * from './loss';
