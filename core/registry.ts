/** Things by their names, open to additions: losses, optimizers, schedules and cells are all listed, found and refused like this. */
import { must, mustBeOneOf } from './check';

export class Registry<T> {
  private readonly members = new Map<string, T>();

  /** @param what names the name in messages: `loss` in `network: loss must be one of softmax, …`. */
  constructor(private readonly what: string) {}

  /** @throws RangeError when the name is taken. */
  add(name: string, member: T, where: string): T {
    must(!this.members.has(name), where, 'the name must be new', name);
    this.members.set(name, member);
    return member;
  }

  /** @throws TypeError for a name that is not known. */
  get(name: unknown, where: string): T {
    return this.members.get(mustBeOneOf(name, this.names, where, this.what)) as T;
  }

  has(name: string): boolean {
    return this.members.has(name);
  }

  /** In the order in which they were added. */
  get names(): string[] {
    return [...this.members.keys()];
  }

  get all(): T[] {
    return [...this.members.values()];
  }

  /** A registry that also knows `more`, before its own of the same names. */
  with(more: Readonly<Record<string, T>>): Registry<T> {
    const both = new Registry<T>(this.what);
    for (const [name, member] of [...this.members, ...Object.entries(more)]) both.members.set(name, member);
    return both;
  }
}
