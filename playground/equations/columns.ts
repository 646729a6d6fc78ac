/** The columns of a clockwork module depend on its size; the equation does not. */
export const withoutColumns = (line: string): string => line.replace(/\[\d+:\d+\]/g, '');
