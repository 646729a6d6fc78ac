/** The losses that are built in: one file and one line each. */
import { binaryCrossEntropy } from './binarycrossentropy';
import { crossEntropy } from './crossentropy';
import { registerLoss } from './loss';
import { squaredError } from './squared';

for (const built of [crossEntropy, binaryCrossEntropy, squaredError]) registerLoss(built);

export * from './loss';
