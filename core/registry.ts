/** Registries of losses, optimizers, schedules and cells by name, open to additions by users. */
import { must, mustBeOneOf } from './check';

export class Registry<T> {
  private readonly members = new Map<string, T>();

  /** @param what the kind of member in messages: `loss` in `network: loss must be one of softmax, …`. */
  constructor(private readonly what: string) {}

  /** @throws RangeError if the name is taken. */
  add(name: string, member: T, where: string): T {
    must(!this.members.has(name), where, 'the name must be new', name);
    this.members.set(name, member);
    return member;
  }

  /** @throws TypeError for an unknown name. */
  get(name: unknown, where: string): T {
    // the names are listed only for the message
    const known = this.members.get(name as string);
    return known ?? (this.members.get(mustBeOneOf(name, this.names, where, this.what)) as T);
  }

  has(name: string): boolean {
    return this.members.has(name);
  }

  /** Names in order of registration. */
  get names(): string[] {
    return [...this.members.keys()];
  }

  get all(): T[] {
    return [...this.members.values()];
  }

  /** A copy of the registry with the members of `more`, which take precedence. */
  with(more: Readonly<Record<string, T>>): Registry<T> {
    const both = new Registry<T>(this.what);
    for (const [name, member] of [...this.members, ...Object.entries(more)]) both.members.set(name, member);
    return both;
  }
}
