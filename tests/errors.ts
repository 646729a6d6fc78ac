/** Errors by kind and message. */

/** Declares one test for each call that must throw, named by its message, which the error message must contain. */
export function testErrors(
  kind: ErrorConstructor,
  cases: readonly (readonly [act: () => unknown, message: string])[],
): void {
  test.each(cases.map(([act, message]) => [kind.name, message, act] as const))(
    '%s: %s',
    (_kind, message, act) => {
      expect(act).toThrow(message);
      expect(act).toThrow(kind);
    },
  );
}
