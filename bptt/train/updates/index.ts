/** Registers the built-in optimizers; each takes one file and one line here. */
import { adagrad, type AdagradOptions } from './adagrad';
import { adam, adamw, type AdamOptions } from './adam';
import { rmsprop, type RmspropOptions } from './rmsprop';
import { sgd, type SgdOptions } from './sgd';
import { addOptimizer, type RegisteredOptions } from './update';

addOptimizer(sgd);
addOptimizer(rmsprop);
addOptimizer(adagrad);
addOptimizer(adam);
addOptimizer(adamw);

/** The options of one optimizer, discriminated by `name`; the docstring of `optimizer` lists the defaults. */
export type OptimizerOptions = SgdOptions | RmspropOptions | AdagradOptions | AdamOptions | RegisteredOptions;
/** The name of an optimizer: `sgd`, `rmsprop`, `adagrad`, `adam`, `adamw`, or one that was registered. */
export type OptimizerName = OptimizerOptions['name'];

export * from './update';
