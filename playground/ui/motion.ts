/** Whether the user prefers reduced motion: then there is no automatic or decorative animation. */
export const littleMotion = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
