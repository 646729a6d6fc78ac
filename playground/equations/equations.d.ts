declare module 'virtual:equations' {
  /** MathML by the line as it is printed. */
  export const equations: Readonly<Record<string, string>>;
}
