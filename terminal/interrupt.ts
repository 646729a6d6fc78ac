/** Handles Ctrl-C and other signals: the first one requests an orderly end, the second one ends the process at once. */
import { exitCodes } from './errors';
import { onLost } from './output';

/**
 * Milliseconds in which further signals are the same Ctrl-C: a terminal sends it to the whole group of processes, and
 * npm, which is one of them, passes it on once more.
 */
const ECHO = 500;
const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.hungUp };

export interface Interrupt {
  /** The exit code for the received signal, if any. */
  readonly code: number | undefined;
  /** Starts handling signals; before, they end the process as usual. */
  listen(): void;
  /** Restores the usual effect of signals and of the loss of standard output. */
  done(): void;
}

/**
 * Calls `stop` at the first signal, or when standard output is lost; at a second Ctrl-C or SIGTERM calls `leave` and ends
 * the process.
 * @param later signals are not listened to before `listen` is called: until then there is nothing to save, and a process
 *   that is busy laying out a network would not hear of them.
 */
export function onInterrupt(stop: () => void, leave: () => void, { later = false } = {}): Interrupt {
  let code: number | undefined;
  let since = 0;
  const first = (exitCode: number): void => {
    if (code !== undefined) return;
    code = exitCode;
    since = performance.now();
    stop();
  };
  const listener = (signal: NodeJS.Signals): void => {
    if (code === undefined) return first(codes[signal as keyof typeof codes]);
    // a closing terminal may send SIGHUP more than once: do not treat the second as impatience
    if (signal === 'SIGHUP' || performance.now() - since <= ECHO) return;
    leave();
    process.exit(code);
  };
  const forget = onLost(first);
  const signals = Object.keys(codes);
  let listening = false;
  const listen = (): void => {
    if (!listening) for (const signal of signals) process.on(signal, listener);
    listening = true;
  };
  if (!later) listen();
  return {
    get code() {
      return code;
    },
    listen,
    done() {
      for (const signal of signals) process.removeListener(signal, listener);
      forget();
    },
  };
}
