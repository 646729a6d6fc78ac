/** Which columns a clockwork module has depends on its size: the equation does not. */
export const withoutColumns = (line: string): string => line.replace(/\[\d+:\d+\]/g, '');
