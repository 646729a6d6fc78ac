/** Whether somebody has asked for little motion: then nothing moves that has not been started, and nothing for show. */
export const littleMotion = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
