declare module 'virtual:equations' {
  /** MathML by the text of the line. */
  export const equations: Readonly<Record<string, string>>;
}
