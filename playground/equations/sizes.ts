/** Sizes in the drawing of a data flow, in pixels. */

/** Distance between two columns of values. */
export const GAP = 34;
/** Height of a number below the label of a value. */
export const NUMBER = 14;
