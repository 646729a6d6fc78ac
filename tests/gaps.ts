/**
 * Reports the fate of unreachable memory as JSON: run by `memory.test.ts` in a separate process with --expose-gc,
 * because finalizers may be late in a process that has run other tests.
 */
import { Memory, type Data } from '../core/memory';

const collect = (globalThis as unknown as { gc: () => void }).gc;
const MB = 2 ** 20;
const quarter = MB / 32; // numbers in a quarter of the memory
const memory = new Memory(1);

/** Collects, and lets the finalizers run, until no more than a part of the memory is used. */
async function usedIsBelow(part: number): Promise<boolean> {
  for (let round = 0; round < 500 && memory.used() >= part * MB; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return memory.used() < part * MB;
}

/** The error for an allocation of this size; undefined if it succeeds. */
function refusal(count: number): string | undefined {
  try {
    memory.allocate(count, 'float64');
  } catch (error) {
    return String(error);
  }
}

async function main(): Promise<void> {
  let held: Data[] = Array.from({ length: 4 }, () => memory.allocate(quarter - 8, 'float64').fill(5));
  const starts = held.map((data) => data.byteOffset);
  const full = refusal(quarter);

  // the first and third go: a quarter fits twice, a half does not
  held = [held[1], held[3]];
  const twoGone = await usedIsBelow(0.6);
  const apart = refusal(2 * quarter - 16);
  // then the fourth: with the third it is one gap, which a half fits
  held = [held[0]];
  const threeGone = await usedIsBelow(0.3);
  const half = memory.allocate(2 * quarter - 16, 'float64');
  console.log(
    JSON.stringify({
      full,
      twoGone,
      apart,
      threeGone,
      place: starts.indexOf(half.byteOffset),
      zeroed: half.every((value) => value === 0),
      kept: held[0].every((value) => value === 5),
    }),
  );
}

void main();
