/** Ctrl-C and its like: the first one asks for an orderly end, the second one gets an immediate one. */
import { exitCodes } from './errors';

/**
 * Milliseconds in which further signals are the same Ctrl-C: a terminal sends it to the whole group of processes, and
 * npm, which is one of them, passes it on once more.
 */
const ECHO = 500;
const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: 129 };

export interface Interrupt {
  /** The exit code of the signal that came, if one did. */
  readonly code: number | undefined;
  /** From now on signals have their usual effect. */
  done(): void;
}

/** Calls `stop` at the first signal; at the second one calls `leave` and ends the process. */
export function onInterrupt(stop: () => void, leave: () => void): Interrupt {
  let code: number | undefined;
  let since = 0;
  const listener = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (code === undefined) {
      code = codes[signal as keyof typeof codes];
      since = now;
      stop();
    } else if (now - since > ECHO) {
      leave();
      process.exit(code);
    }
  };
  for (const signal of Object.keys(codes)) process.on(signal, listener);
  return {
    get code() {
      return code;
    },
    done() {
      for (const signal of Object.keys(codes)) process.removeListener(signal, listener);
    },
  };
}
